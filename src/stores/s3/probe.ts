import { hash } from 'node:crypto';
import { escapePath } from '../../lib/aws/uri.ts';
import { elementsOf, textOf } from '../../lib/aws/xml.ts';
import type { Facts } from '../../model/facts.ts';
import { tagOf } from './bucket.ts';
import type { Bucket } from './bucket.ts';
import { triesChecksums } from './checksums.ts';
import type { S3Answer, S3Request } from './client.ts';
import { deleteBody } from './delete-body.ts';
import { codeOf } from './failure.ts';
import { ordered } from './fields.ts';
import type { Field } from './fields.ts';
import { isWinding, probePrefix } from './keys.ts';
import { BucketMemory } from './memory.ts';

/** What a service does with a condition: it holds also among racing writers; it is looked at before the write; it is passed over. */
export type Care = 'enforced' | 'checked' | 'ignored';

/** What a bucket really does with conditions. */
export interface Enforced {
  /** That an object is absent, for a put. */
  readonly absent: Care;
  /** That an object is in a certain state, for a put. */
  readonly version: Care;
  /** That an object is in a certain state, for a deletion: in a batch of them, one at a time, or not at all. */
  readonly deletion: 'batch' | 'single' | 'none';
  /** Whether both hold for objects that are uploaded in parts, too. */
  readonly parts: boolean;
}

/** What a bucket does with conditions on copies. */
export interface CopyCares extends Pick<Enforced, 'absent' | 'version'> {
  /** Whether what is copied arrives. */
  readonly works: boolean;
}

const nothing: Enforced = { absent: 'ignored', version: 'ignored', deletion: 'none', parts: false };
const everything: Enforced = { absent: 'enforced', version: 'enforced', deletion: 'batch', parts: true };
/** A probe's object this old was left behind by a run that was killed. */
const leftoverMs = 60 * 60 * 1_000;
/** Writers that race for one object. */
const racers = 4;

/**
 * Finds out what a bucket does with conditions and with strange names by trying, on an object of its own, once: many
 * services take a condition and do not look at it. What was found out is remembered between runs where that is possible.
 */
export class Probe {
  readonly #bucket: Bucket;
  readonly #trusted: boolean;
  readonly #memory: BucketMemory;
  #conditions: Promise<Enforced> | undefined;
  #winding: Promise<boolean> | undefined;
  #copies: Promise<CopyCares> | undefined;
  #checksums: Promise<boolean> | undefined;
  #known: Enforced;
  /** Whether something was refused for reasons that say nothing of what the service can do. */
  #hindered = false;

  /** `trusted`: the service is known to enforce everything, and is not tried. */
  constructor(bucket: Bucket, trusted: boolean, facts?: Facts) {
    this.#bucket = bucket;
    this.#trusted = trusted;
    this.#memory = new BucketMemory(facts, bucket.client, bucket.host);
    this.#known = trusted ? everything : nothing;
  }

  /** What has been found out so far. */
  get known(): Enforced {
    return this.#known;
  }

  /** What the bucket enforces. Where it cannot be tried, as without permission, that is nothing. */
  async enforced(): Promise<Enforced> {
    if (this.#trusted) return everything;
    if (this.#memory.isStale('conditions')) this.forget();
    this.#conditions ??= this.#recalling('conditions', isEnforced, () => this.#tryConditions()).then((found) => (this.#known = found));
    const trying = this.#conditions;
    // What could not be tried because the network was away is tried another time.
    trying.catch(() => { if (this.#conditions === trying) this.#conditions = undefined; });
    return await trying;
  }

  /** What the bucket enforces when it copies. */
  async copies(): Promise<CopyCares> {
    if (this.#trusted) return { ...everything, works: true };
    if (this.#memory.isStale('conditions on copies') && this.#memory.forget('conditions on copies')) this.#copies = undefined;
    this.#copies ??= this.#recalling('conditions on copies', isCares, () => this.#tryCopies());
    const trying = this.#copies;
    trying.catch(() => { if (this.#copies === trying) this.#copies = undefined; });
    return await trying;
  }

  /** Whether the bucket checks uploads in parts by their CRC-32. */
  async checksums(): Promise<boolean> {
    if (this.#trusted) return true;
    if (this.#memory.isStale('checksums') && this.#memory.forget('checksums')) this.#checksums = undefined;
    this.#checksums ??= this.#recalling('checksums', (found) => typeof found === 'boolean', () => triesChecksums((request) => this.#ask(request), this.#name()));
    const trying = this.#checksums;
    trying.catch(() => { if (this.#checksums === trying) this.#checksums = undefined; });
    return await trying;
  }

  /** Gives up what is only remembered from earlier runs, because the service did otherwise. Whether that may change anything. */
  forget(): boolean {
    if (!this.#memory.forget('conditions')) return false;
    this.#conditions = undefined;
    return true;
  }

  /** Whether the bucket keeps a name as it is that winds through folders, as `a//b` or `../a`. */
  async keeps(key: string): Promise<boolean> {
    if (this.#trusted || !isWinding(key)) return true;
    this.#winding ??= this.#recalling('winding names', (found) => typeof found === 'boolean', () => this.#tryWinding());
    const trying = this.#winding;
    trying.catch(() => { if (this.#winding === trying) this.#winding = undefined; });
    return await trying;
  }

  async #recalling<T>(name: string, isIt: (found: unknown) => found is T, trial: () => Promise<T>): Promise<T> {
    const recalled = await this.#memory.recall(name);
    if (isIt(recalled)) return recalled;
    const found = await trial();
    if (!this.#hindered) this.#memory.remember(name, found);
    return found;
  }

  async #tryConditions(): Promise<Enforced> {
    const key = this.#name();
    const first = await this.#race(key, ['if-none-match', '*']);
    if (first.some(({ status }) => status === 401 || status === 403)) return nothing;
    try {
      await this.#sweep();
      const current = await this.#tag(key);
      if (current === undefined) return nothing;
      const wrong = ['if-match', `"${'0'.repeat(32)}"`];
      const [taken, stale] = [await this.#put(key, 'wrong', ['if-none-match', '*']), await this.#put(key, 'wrong', wrong)];
      const absent = careOf(taken, first);
      const version = stale.status === 412 ? careOf(stale, await this.#race(key, ['if-match', `"${current}"`])) : 'ignored';
      return { absent, version, deletion: await this.#tryDeletion(key, wrong), parts: absent !== 'ignored' && version !== 'ignored' && await this.#tryParts(key, wrong) };
    } finally {
      await this.#send('DELETE', key);
    }
  }

  /** Removes what probes of runs that were killed have left. */
  async #sweep(): Promise<void> {
    const { client, prefix } = this.#bucket;
    const { body } = await this.#ask({ method: 'GET', query: { 'list-type': '2', 'prefix': prefix + probePrefix } });
    for (const item of elementsOf(body.toString(), 'Contents')) {
      const [key, modified = ''] = [textOf(item, 'Key'), textOf(item, 'LastModified')];
      if (key && client.now() - Date.parse(modified) > leftoverMs) await this.#send('DELETE', key);
    }
  }

  async #tryDeletion(key: string, wrong: readonly string[]): Promise<Enforced['deletion']> {
    const { body, headers } = deleteBody([{ key, tag: '0'.repeat(32) }]);
    const answer = await this.#ask({ method: 'POST', query: { delete: '' }, headers, body });
    const kept = answer.status === 200 && [...elementsOf(answer.body.toString(), 'Error')].length === 1 && await this.#tag(key) !== undefined;
    if (kept) return 'batch';
    await this.#put(key, 'again', []);
    const single = (await this.#send('DELETE', key, wrong)).status === 412 && await this.#tag(key) !== undefined;
    if (!single) return 'none';
    return (await this.#send('DELETE', key, ['if-match', `"${hash('md5', 'again')}"`])).status === 204 ? 'single' : 'none';
  }

  async #tryParts(key: string, wrong: readonly string[]): Promise<boolean> {
    await this.#put(key, 'again', []);
    const begun = await this.#ask({ method: 'POST', key, query: { uploads: '' } });
    const uploadId = textOf(begun.body.toString(), 'UploadId');
    if (begun.status !== 200 || !uploadId) return false;
    const part = await this.#ask({ method: 'PUT', key, query: { partNumber: '1', uploadId }, body: Buffer.from('part') });
    const body = Buffer.from(`<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers['etag'] ?? ''}</ETag></Part></CompleteMultipartUpload>`);
    const answers = [];
    for (const headers of [['if-none-match', '*'], wrong]) answers.push(await this.#ask({ method: 'POST', key, query: { uploadId }, headers, body }));
    await this.#ask({ method: 'DELETE', key, query: { uploadId } });
    return answers.every(({ status }) => status === 412);
  }

  async #tryCopies(): Promise<CopyCares> {
    const name = this.#name();
    const sources = Array.from({ length: racers }, (_, i) => `${name}-${i}`);
    try {
      for (const source of sources) await this.#put(source, source, []);
      const race = (headers: readonly Field[]): Promise<S3Answer[]> => Promise.all(sources.map((source) => this.#copy(source, name, headers)));
      const first = await race([['if-none-match', '*']]);
      // Some take the condition for one on the source.
      if (!first.some(({ status }) => status === 200)) await this.#copy(sources[0]!, name, []);
      const arrived = await this.#tag(name);
      // A service that passes over the name of the source puts an empty object.
      if (!sources.some((source) => hash('md5', source) === arrived)) return { ...nothing, works: false };
      const absent = careOf(await this.#copy(sources[0]!, name, [['if-none-match', '*']]), first);
      const wrong = await this.#copy(sources[0]!, name, [['if-match', `"${'0'.repeat(32)}"`]]);
      await this.#put(name, 'another', []);
      return { works: true, absent, version: wrong.status === 412 ? careOf(wrong, await race([['if-match', `"${hash('md5', 'another')}"`]])) : 'ignored' };
    } finally {
      for (const key of [name, ...sources]) await this.#send('DELETE', key);
    }
  }

  async #copy(from: string, to: string, fields: readonly Field[]): Promise<S3Answer> {
    const headers = ordered([...fields, ['x-amz-copy-source', `/${this.#bucket.bucket}/${escapePath(from)}`]]);
    const answer = await this.#ask({ method: 'PUT', key: to, headers });
    return answer.status === 200 && codeOf(answer) !== '' ? { ...answer, status: 500 } : answer;
  }

  async #tryWinding(): Promise<boolean> {
    const name = this.#name();
    // Where such a name is rewritten, what is written ends up under one that still begins like the probe's own.
    const parts = ['', '.', '..'].map((part) => `${name}/${part}/${name.slice(this.#bucket.prefix.length)}`);
    for (const key of parts) if ((await this.#put(key, key, [])).status !== 200) return await this.#clean(name, false);
    const listed = await this.#names(name);
    return await this.#clean(name, parts.every((key) => listed.includes(key)));
  }

  async #names(name: string): Promise<string[]> {
    const answer = await this.#ask({ method: 'GET', query: { 'list-type': '2', 'prefix': name } });
    return [...elementsOf(answer.body.toString(), 'Key')];
  }

  async #clean(name: string, kept: boolean): Promise<boolean> {
    for (const key of await this.#names(name)) await this.#send('DELETE', key);
    return kept;
  }

  async #race(key: string, headers: readonly string[]): Promise<S3Answer[]> {
    return await Promise.all(Array.from({ length: racers }, (_, i) => this.#put(key, `${i}`, headers)));
  }

  async #put(key: string, text: string, headers: readonly string[]): Promise<S3Answer> {
    return await this.#ask({ method: 'PUT', key, headers, body: Buffer.from(text) });
  }

  async #send(method: string, key: string, headers: readonly string[] = []): Promise<S3Answer> {
    return await this.#ask({ method, key, headers });
  }

  async #tag(key: string): Promise<string | undefined> {
    const { status, headers } = await this.#send('HEAD', key);
    return status === 200 ? tagOf(headers['etag']) : undefined;
  }

  async #ask(request: S3Request): Promise<S3Answer> {
    const answer = await this.#bucket.client.send(request);
    if (answer.status === 401 || answer.status === 403 || answer.status === 429 || (answer.status >= 500 && answer.status !== 501)) this.#hindered = true;
    return answer;
  }

  #name(): string {
    const { prefix, host } = this.#bucket;
    return `${prefix}${probePrefix}${Math.floor(host.random() * 2 ** 48).toString(36)}`;
  }
}

/** How a condition was cared for, by the answer to one that did not hold, and to several that raced. */
function careOf(refused: S3Answer, race: readonly S3Answer[]): Care {
  if (refused.status !== 412) return 'ignored';
  return race.filter(({ status }) => status === 200).length === 1 ? 'enforced' : 'checked';
}

function isCares(found: unknown): found is CopyCares {
  if (typeof found !== 'object' || found === null) return false;
  return hasCares(found) && typeof (found as CopyCares).works === 'boolean';
}

function hasCares(found: object): boolean {
  const { absent, version } = found as Enforced;
  return [absent, version].every((care) => care === 'enforced' || care === 'checked' || care === 'ignored');
}

function isEnforced(found: unknown): found is Enforced {
  if (typeof found !== 'object' || found === null || !hasCares(found)) return false;
  const { deletion, parts } = found as Enforced;
  return ['batch', 'single', 'none'].includes(deletion) && typeof parts === 'boolean';
}
