import { textOf } from '../../lib/aws/xml.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import type { Expectation, Outcome, Takeover } from '../../model/store.ts';
import { digestOf, lookAt, placeOf, tagOf, Tags } from './bucket.ts';
import type { Bucket } from './bucket.ts';
import { partsIn } from './body-digest.ts';
import type { S3Answer } from './client.ts';
import { codeOf } from './failure.ts';
import { metadataIn, ordered } from './fields.ts';
import type { Field, Fields } from './fields.ts';
import { flawOf } from './keys.ts';
import { copyFields, PartsCopy } from './parts-copy.ts';
import type { CopySource } from './parts-copy.ts';
import type { Care, Probe } from './probe.ts';
import { meets } from './writer.ts';

export interface CopyingOptions {
  /** What {@link Whereabouts.service} says of objects that this bucket can copy from. */
  readonly service: string;
  readonly concurrency: number;
  readonly fields: Fields;
  /** The size of parts to try where the service does not tell that of an object. */
  readonly partBytes: number;
}

/** How a copy is protected, or that its expectation does not hold. */
type Guard = { readonly condition: Field | undefined; readonly unguarded: boolean } | { readonly stale: Outcome };

/** Copies of one request hold no more. */
const mostBytes = 5 * 1024 ** 3;
/** Up to here, reading and putting takes no more requests than looking and copying, and is protected where copies are not. */
const smallBytes = 256 * 1024;

/** Has the service copy objects. What it cannot do, or what cannot be shown to have become the same, is left to be read and put. */
export class Copier {
  readonly #bucket: Bucket;
  readonly #probe: Probe;
  readonly #options: CopyingOptions;
  readonly #parts: PartsCopy;
  /** Buckets that the service does not copy from. */
  readonly #closed = new Set<string>();

  constructor(bucket: Bucket, probe: Probe, options: CopyingOptions) {
    this.#bucket = bucket;
    this.#probe = probe;
    this.#options = options;
    this.#parts = new PartsCopy(bucket, options.partBytes);
  }

  async takeOver(batch: readonly Takeover[], signal: AbortSignal | undefined): Promise<readonly (Outcome | undefined)[]> {
    const outcomes = Array.from<Outcome | undefined>({ length: batch.length });
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let i = next++; i < batch.length; i = next++) outcomes[i] = await this.#one(batch[i]!, signal);
    };
    await Promise.all(Array.from({ length: Math.min(this.#options.concurrency, batch.length) }, lane));
    return outcomes;
  }

  async #one({ entry, from, expect }: Takeover, signal: AbortSignal | undefined): Promise<Outcome | undefined> {
    const source = this.#sourceIn(from);
    if (!source || this.#closed.has(source.bucket) || flawOf(entry.key, this.#bucket.prefix) !== undefined) return undefined;
    try {
      signal?.throwIfAborted();
      if (!await this.#probe.keeps(this.#bucket.prefix + entry.key)) return undefined;
      return partsIn(source.tag) === undefined ? await this.#whole(entry, source, expect, signal) : await this.#inParts(entry, source, expect, signal);
    } catch (cause) {
      if (cause instanceof SyncError && cause.code === 'corrupt') return { kind: 'failed', error: cause };
      return undefined;
    }
  }

  #sourceIn({ service, path, version }: Takeover['from']): CopySource | undefined {
    const slash = path.indexOf('/');
    // What is not spelled out in a header as it is cannot be asked for.
    return service === this.#options.service && /^[\x21\x23-\x7e]+$/.test(version) ? { bucket: path.slice(0, slash), name: path.slice(slash + 1), tag: version } : undefined;
  }

  async #whole(entry: Entry, source: CopySource, expect: Expectation | undefined, signal: AbortSignal | undefined): Promise<Outcome | undefined> {
    const { key, size = Infinity } = entry;
    if (size > mostBytes) return undefined;
    const guard = await this.#guard(entry, expect, signal);
    if (!guard || 'stale' in guard) return guard?.stale;
    const metadata = await this.#metadata(key, source, signal);
    if (!metadata) return undefined;
    const headers = ordered([...metadata, ...this.#options.fields.ofCopy(key), ...copyFields(source), ...(guard.condition ? [guard.condition] : [])]);
    const answer = await this.#bucket.client.send({ method: 'PUT', key: this.#bucket.prefix + key, headers, signal });
    // The service begins to answer before it knows whether it will succeed.
    const tag = answer.status === 200 && codeOf(answer) === '' ? tagOf(textOf(answer.body.toString(), 'ETag')) : undefined;
    if (tag === undefined) return await this.#refused(entry, source, expect, answer, signal);
    const telling = this.#bucket.tags.learn(answer.headers);
    if (tag !== source.tag) {
      const comparable = telling && entry.digest !== undefined && !await this.#isSealed(source, signal);
      if (comparable || (await lookAt(this.#bucket, key, signal))?.size !== size) throw spoilt(this.#bucket, key);
    }
    const digest = telling ? digestOf(tag) : undefined;
    return { kind: 'done', stat: { version: tag, size, ...(digest && { digest }) }, ...(guard.unguarded && { unguarded: true }) };
  }

  /** Whether the ETag of a source says nothing of its content, because it is encrypted with keys of its own. */
  async #isSealed({ bucket, name }: CopySource, signal: AbortSignal | undefined): Promise<boolean> {
    const { headers } = await this.#bucket.client.send({ method: 'HEAD', bucket, key: name, signal });
    return !new Tags(true, false).learn(headers);
  }

  /** An object that was uploaded in parts, in the same parts, so that its ETag stays what it is. */
  async #inParts(entry: Entry, source: CopySource, expect: Expectation | undefined, signal: AbortSignal | undefined): Promise<Outcome | undefined> {
    const { key, size } = entry;
    // Where ETags tell nothing, nothing shows what the parts have become.
    if (size === undefined || !this.#bucket.tags.tellMd5) return undefined;
    const enforced = expect ? await this.#probe.enforced() : undefined;
    const condition = expect && enforced?.parts ? conditionOf(expect, enforced) : undefined;
    const unguarded = expect !== undefined && condition?.care !== 'enforced';
    if (expect && !condition) {
      const found = await lookAt(this.#bucket, key, signal);
      if (!meets(found, expect)) return { kind: 'stale', found };
    }
    const result = await this.#parts.copy({ key, size, source, condition: condition?.field, overrides: this.#options.fields.overrides(key), storage: this.#options.fields.ofCopy(key), signal });
    if (!result) return undefined;
    if ('refusal' in result) return await this.#refused(entry, source, expect, result.refusal, signal);
    if (result.tag !== source.tag) throw spoilt(this.#bucket, key);
    const digest = digestOf(result.tag);
    return { kind: 'done', stat: { version: result.tag, size, ...(digest && { digest }) }, ...(unguarded && { unguarded: true }) };
  }

  /** What protects a copy. `undefined`: a put is better, because it is protected and costs no more, or because there are no copies here. */
  async #guard({ key, size = 0 }: Entry, expect: Expectation | undefined, signal: AbortSignal | undefined): Promise<Guard | undefined> {
    const cares = await this.#probe.copies();
    if (!cares.works) return undefined;
    if (!expect) return { condition: undefined, unguarded: false };
    const found = conditionOf(expect, cares);
    if (found) return { condition: found.field, unguarded: found.care === 'checked' };
    if (size <= smallBytes && conditionOf(expect, await this.#probe.enforced())) return undefined;
    const there = await lookAt(this.#bucket, key, signal);
    return meets(there, expect) ? { condition: undefined, unguarded: true } : { stale: { kind: 'stale', found: there } };
  }

  /** What is said of the metadata: that they come along, or all of them, where some are to be others. */
  async #metadata(key: Key, { bucket, name, tag }: CopySource, signal: AbortSignal | undefined): Promise<Field[] | undefined> {
    const overrides = this.#options.fields.overrides(key);
    if (overrides.length === 0) return [['x-amz-metadata-directive', 'COPY']];
    const { status, headers } = await this.#bucket.client.send({ method: 'HEAD', bucket, key: name, headers: ['if-match', `"${tag}"`], signal });
    return status === 200 ? [...metadataIn(headers), ...overrides, ['x-amz-metadata-directive', 'REPLACE']] : undefined;
  }

  /** A copy that was not made: because of its expectation, or for another reason, that a put may not have. */
  async #refused({ key }: Entry, source: CopySource, expect: Expectation | undefined, answer: S3Answer, signal: AbortSignal | undefined): Promise<Outcome | undefined> {
    const { status, attempts } = answer;
    if (status === 403 || status === 405 || status === 501) this.#closed.add(source.bucket);
    if (status !== 412 || !expect) return undefined;
    const found = await lookAt(this.#bucket, key, signal);
    // The answer to an earlier attempt was lost, and the attempt had gone through.
    if (attempts > 1 && found?.version === source.tag) return { kind: 'done', stat: { version: source.tag, ...(found.size !== undefined && { size: found.size }), ...(found.digest && { digest: found.digest }) } };
    // Else it is the source that is not what it was, which shows when it is read.
    return meets(found, expect) ? undefined : { kind: 'stale', found };
  }
}

/** An expectation as a header field, where the service cares for it. */
function conditionOf(expect: Expectation, cares: { readonly absent: Care; readonly version: Care }): { readonly field: Field; readonly care: Care } | undefined {
  if ('absent' in expect) return cares.absent === 'ignored' ? undefined : { field: ['if-none-match', '*'], care: cares.absent };
  if ('older' in expect || cares.version === 'ignored' || !/^[\x21\x23-\x7e]+$/.test(expect.version)) return undefined;
  return { field: ['if-match', `"${expect.version}"`], care: cares.version };
}

function spoilt(bucket: Bucket, key: Key): SyncError {
  return new SyncError('corrupt', `${placeOf(bucket, key)} was copied, and is stored as something else than its source`, { store: bucket.name, key, hint: 'run again; where it stays so, check the service' });
}
