import { elementOf, elementsOf, textOf } from '../../lib/aws/xml.ts';
import type { Key } from '../../model/key.ts';
import { tagOf } from './bucket.ts';
import type { Bucket } from './bucket.ts';

/** One part that is with the service already. */
export interface UploadedPart {
  readonly tag: string;
  readonly size: number;
}

/** An upload that was begun and neither completed nor given up. */
interface Begun {
  readonly key: Key;
  readonly uploadId: string;
  readonly initiator: string | undefined;
  readonly at: number;
}

/** An upload this old is not going to be taken up by anyone. */
const staleMs = 24 * 60 * 60 * 1_000;
const mostPages = 20;

/** The uploads in parts that earlier runs did not finish. Those of ours that are too old to be of use are given up. */
export class Unfinished {
  readonly #bucket: Bucket;
  readonly #begun = new Map<Key, Begun[]>();
  #listed: Promise<void> | undefined;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  /** Remembers an upload of this run that was cut off. */
  add(key: Key, uploadId: string): void {
    this.#note({ key, uploadId, initiator: undefined, at: this.#bucket.client.now() });
  }

  /** The latest unfinished upload of an object and its parts, which then belongs to the caller; older ones are given up. */
  async take(key: Key, signal: AbortSignal | undefined): Promise<{ readonly uploadId: string; readonly kept: ReadonlyMap<number, UploadedPart>; readonly checked: 'crc32' | 'md5' } | undefined> {
    // Without the right to list uploads there is nothing to take up, and nothing is lost but time.
    this.#listed ??= this.#list(signal).catch((cause: unknown) => this.#bucket.host.log('debug', `unfinished uploads in ${this.#bucket.name} cannot be listed: ${String(cause)}`));
    await this.#listed;
    const begun = this.#begun.get(key)?.sort((a, b) => b.at - a.at) ?? [];
    this.#begun.delete(key);
    const [latest, ...others] = begun;
    for (const other of others) await this.#abort(other);
    if (!latest) return undefined;
    const found = await this.#parts(latest, signal);
    if (!found) return undefined;
    const { parts: kept, algorithm, type } = found;
    // Others may want their parts checked in ways of their own, which would be refused in ours.
    if (algorithm === 'CRC32' && type !== 'FULL_OBJECT') {
      await this.#abort(latest);
      return undefined;
    }
    return { uploadId: latest.uploadId, kept, checked: algorithm === 'CRC32' ? 'crc32' : 'md5' };
  }

  #note(begun: Begun): void {
    const list = this.#begun.get(begun.key);
    if (list) list.push(begun);
    else this.#begun.set(begun.key, [begun]);
  }

  async #list(signal: AbortSignal | undefined): Promise<void> {
    const { client, prefix } = this.#bucket;
    const stale: Begun[] = [];
    let markers: { readonly [name: string]: string | undefined } = {};
    for (let page = 0; page < mostPages; page++) {
      const answer = await client.send({ method: 'GET', query: { uploads: '', 'encoding-type': 'url', 'prefix': prefix === '' ? undefined : prefix, ...markers }, signal });
      if (answer.status !== 200) return;
      const xml = answer.body.toString();
      const escaped = textOf(xml, 'EncodingType') === 'url';
      for (const item of elementsOf(xml, 'Upload')) {
        const begun = this.#read(item, escaped);
        if (!begun) continue;
        if (client.now() - begun.at > staleMs) stale.push(begun);
        else this.#note(begun);
      }
      const [key, uploadId] = [textOf(xml, 'NextKeyMarker'), textOf(xml, 'NextUploadIdMarker')];
      if (textOf(xml, 'IsTruncated') !== 'true' || !key) break;
      markers = { 'key-marker': escaped ? decodeURIComponent(key) : key, 'upload-id-marker': uploadId };
    }
    await this.#cleanUp(stale);
  }

  #read(item: string, escaped: boolean): Begun | undefined {
    const { prefix } = this.#bucket;
    const [text, uploadId, time] = [textOf(item, 'Key'), textOf(item, 'UploadId'), Date.parse(elementOf(item, 'Initiated') ?? '')];
    // What a plus sign stands for is not known here; such an upload is sent anew.
    if (text === undefined || !uploadId || Number.isNaN(time) || (escaped && text.includes('+'))) return undefined;
    const whole = escaped ? decodeURIComponent(text) : text;
    if (!whole.startsWith(prefix)) return undefined;
    return { key: whole.slice(prefix.length), uploadId, initiator: textOf(elementOf(item, 'Initiator') ?? '', 'ID'), at: time };
  }

  /** Gives up what is stale and was begun by whom we are: others may have their reasons. */
  async #cleanUp(stale: readonly Begun[]): Promise<void> {
    if (stale.length === 0) return;
    const own = await this.#ownInitiator();
    for (const begun of stale) if (own !== undefined && begun.initiator === own) await this.#abort(begun);
  }

  /** Who we are to the service: it says so of an upload that is begun for this, and given up at once. */
  async #ownInitiator(): Promise<string | undefined> {
    const { client, prefix, host } = this.#bucket;
    const key = `${prefix}.syncline-probe-${Math.floor(host.random() * 2 ** 48).toString(36)}`;
    const begun = await client.send({ method: 'POST', key, query: { uploads: '' } });
    const uploadId = textOf(begun.body.toString(), 'UploadId');
    if (begun.status !== 200 || !uploadId) return undefined;
    const listed = await client.send({ method: 'GET', key, query: { uploadId } });
    await client.send({ method: 'DELETE', key, query: { uploadId } });
    return textOf(elementOf(listed.body.toString(), 'Initiator') ?? '', 'ID');
  }

  async #parts({ key, uploadId }: Begun, signal: AbortSignal | undefined): Promise<{ readonly parts: Map<number, UploadedPart>; readonly algorithm: string | undefined; readonly type: string | undefined } | undefined> {
    const { client, prefix } = this.#bucket;
    const parts = new Map<number, UploadedPart>();
    let [algorithm, type]: (string | undefined)[] = [];
    for (let marker: string | undefined, page = 0; page < mostPages; page++) {
      const answer = await client.send({ method: 'GET', key: prefix + key, query: { uploadId, 'part-number-marker': marker }, signal });
      if (answer.status !== 200) return undefined;
      const xml = answer.body.toString();
      [algorithm, type] = [textOf(xml, 'ChecksumAlgorithm'), textOf(xml, 'ChecksumType')];
      for (const item of elementsOf(xml, 'Part')) {
        const tag = tagOf(textOf(item, 'ETag'));
        if (tag !== undefined) parts.set(Number(elementOf(item, 'PartNumber')), { tag, size: Number(elementOf(item, 'Size')) });
      }
      marker = textOf(xml, 'NextPartNumberMarker');
      if (textOf(xml, 'IsTruncated') !== 'true' || !marker) break;
    }
    return { parts, algorithm, type };
  }

  async #abort({ key, uploadId }: Begun): Promise<void> {
    const { client, prefix, host, name } = this.#bucket;
    const { status } = await client.send({ method: 'DELETE', key: prefix + key, query: { uploadId } });
    if (status >= 300 && status !== 404) host.log('warn', `an unfinished upload of ${key} in ${name} could not be given up (status ${status})`);
  }
}
