import { hash } from 'node:crypto';
import { elementsOf, textOf } from '../../lib/aws/xml.ts';
import type { Content, Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { Expectation, Outcome, Write } from '../../model/store.ts';
import { entryError, lookAt, placeOf, tagOf } from './bucket.ts';
import type { Bucket } from './bucket.ts';
import { ByteBudget } from '../../lib/byte-budget.ts';
import type { S3Answer } from './client.ts';
import { deleteBody, isSayable, isUnnamable } from './delete-body.ts';
import { codeOf, wireError } from './failure.ts';
import { ordered } from './fields.ts';
import type { Field, Fields } from './fields.ts';
import { flawOf } from './keys.ts';
import { namesEveryKey } from './listing.ts';
import { Multipart } from './multipart.ts';
import type { Probe } from './probe.ts';

/** How objects are written. */
export interface WritingOptions {
  readonly concurrency: number;
  /** The most bytes of content held at once. */
  readonly heldBytes: number;
  /** Contents from this size on are uploaded in parts. */
  readonly multipartBytes: number;
  readonly partBytes: number;
  readonly fields: Fields;
}

/** A put, by what protects it. */
export interface Guarded {
  /** The header field that makes it conditional. */
  readonly condition: readonly [name: string, value: string] | undefined;
  /** Whether the expectation was only looked at before. */
  readonly unguarded: boolean;
}

type Put = Write & { readonly kind: 'put' };
type Delete = Write & { readonly kind: 'delete' };

/** Taken for content whose size nobody knows. */
const guessedBytes = 64 * 1024;
const batchDeletes = 1_000;
const mostMismatches = 3;

/** The writing half of a bucket. */
export class S3Writer {
  readonly #bucket: Bucket;
  readonly #probe: Probe;
  #namesEveryKey: boolean | undefined;
  readonly #options: WritingOptions;
  readonly #budget: ByteBudget;
  readonly #multipart: Multipart;

  constructor(bucket: Bucket, probe: Probe, options: WritingOptions) {
    this.#bucket = bucket;
    this.#probe = probe;
    this.#options = options;
    this.#budget = new ByteBudget(options.heldBytes);
    this.#multipart = new Multipart(bucket, probe, this.#budget, options.partBytes);
  }

  async write(batch: readonly Write[], signal: AbortSignal | undefined): Promise<readonly Outcome[]> {
    const outcomes = Array.from<Outcome>({ length: batch.length });
    if (batch.some((write) => write.kind === 'put' && (write.entry.size ?? 0) >= this.#options.multipartBytes)) this.#multipart.prepare();
    const deletions = batch.flatMap((write, i) => (write.kind === 'delete' ? [i] : []));
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let i = next++; i < batch.length; i = next++) {
        const write = batch[i]!;
        if (write.kind === 'put') outcomes[i] = await this.#answer(write, signal, () => this.#put(write, signal));
      }
    };
    const lanes = Math.min(this.#options.concurrency, batch.length - deletions.length);
    await Promise.all([...Array.from({ length: lanes }, lane), this.#deleteAll(batch as readonly Delete[], deletions, outcomes, signal)]);
    return outcomes;
  }

  async #answer(write: Write, signal: AbortSignal | undefined, doing: () => Promise<Outcome>): Promise<Outcome> {
    const key = keyOfWrite(write);
    const { bucket, name, prefix } = this.#bucket;
    try {
      signal?.throwIfAborted();
      // What stands for a directory is not written, and can be done away with.
      const flaw = flawOf(write.kind === 'delete' ? key.replace(/\/+$/, '') : key, prefix);
      if (flaw !== undefined) throw new SyncError('invalid', `${JSON.stringify(key)} cannot be an object in ${name}: ${flaw}`, { store: name, key });
      return await doing();
    } catch (cause) {
      // The service cannot do what an earlier run saw it do, so that is found out anew.
      if (cause instanceof SyncError && cause.code === 'unsupported' && this.#probe.forget()) return await this.#answer(write, signal, doing);
      return { kind: 'failed', error: wireError(cause, { verb: write.kind === 'put' ? 'write' : 'delete', place: placeOf(this.#bucket, key), bucket, details: { store: name, key } }) };
    }
  }

  async #put(write: Put, signal: AbortSignal | undefined): Promise<Outcome> {
    const { entry: { key, content, size }, expect } = write;
    const { name } = this.#bucket;
    if (content.kind !== 'blob') throw new SyncError('unsupported', `${name} holds objects, and ${key} is a document`, { store: name, key });
    if (!await this.#probe.keeps(this.#bucket.prefix + key)) throw new SyncError('unsupported', `${JSON.stringify(key)} cannot be an object in ${name}: the service rewrites such names`, { store: name, key, hint: 'rename it' });
    if (isUnnamable(key) && !(this.#namesEveryKey ??= await namesEveryKey(this.#bucket, signal))) throw new SyncError('unsupported', `${JSON.stringify(key)} cannot be an object in ${name}: the service cannot list such names`, { store: name, key, hint: 'rename it' });
    const guarded = expect ? await this.#guard(key, expect, 'put', signal) : { condition: undefined, unguarded: false };
    if ('stale' in guarded) return guarded.stale;
    const { multipartBytes } = this.#options;
    if (size !== undefined && size >= multipartBytes) return await this.#putParts(write, content, guarded, signal);

    let taken = size ?? guessedBytes;
    const room = this.#budget.take(taken);
    if (room) await room;
    try {
      const body = await whole(content, multipartBytes);
      if (body && body.length > taken) {
        this.#budget.force(body.length - taken);
        taken = body.length;
      }
      if (body) return await this.#putWhole(write, body, guarded, signal);
    } finally {
      this.#budget.give(taken);
    }
    return await this.#putParts(write, content, guarded, signal);
  }

  async #putWhole({ entry }: Put, body: Buffer, guarded: Guarded, signal: AbortSignal | undefined): Promise<Outcome> {
    const { client } = this.#bucket;
    const digest = hash('md5', body, 'buffer');
    const md5 = digest.toString('hex');
    const rest = this.#options.fields.ofPut(entry);
    for (let { condition } = guarded, mismatches = 0; ;) {
      const fields: Field[] = [['content-md5', digest.toString('base64')], ...rest];
      if (condition) fields.push(condition);
      const answer = await client.send({ method: 'PUT', key: this.#bucket.prefix + entry.key, headers: ordered(fields), body, signal });
      if (answer.status !== 200) return await this.#refused(entry.key, answer, md5, guarded, signal);
      const tag = tagOf(answer.headers['etag']);
      const opaque = !this.#bucket.tags.learn(answer.headers);
      if (tag === md5 || (opaque && tag !== undefined)) {
        return { kind: 'done', stat: { version: tag, size: body.length, ...(!opaque && { digest: { algorithm: 'md5', value: md5 } }) }, ...(guarded.unguarded && { unguarded: true }) };
      }
      if (++mismatches >= mostMismatches) throw new SyncError('corrupt', `${placeOf(this.#bucket, entry.key)} is stored as something else than what was sent`, { key: entry.key, hint: 'check the service, and what is between here and there' });
      if (condition && tag !== undefined) condition = ['if-match', `"${tag}"`];
    }
  }

  async #putParts(write: Put, content: Content & { kind: 'blob' }, guarded: Guarded, signal: AbortSignal | undefined): Promise<Outcome> {
    const { entry, expect } = write;
    const unconditional = guarded.condition !== undefined && !(await this.#probe.enforced()).parts;
    if (unconditional && expect) {
      const found = await lookAt(this.#bucket, entry.key, signal);
      if (!meets(found, expect)) return { kind: 'stale', found };
    }
    const result = await this.#multipart.put({ key: entry.key, size: entry.size, content, fields: this.#options.fields.ofPut(entry), condition: unconditional ? undefined : guarded.condition, signal });
    if ('refusal' in result) return await this.#refused(entry.key, result.refusal, result.tag, guarded, signal);
    const { tag, size, digest } = result;
    return { kind: 'done', stat: { version: tag, size, ...(digest && { digest }) }, ...((guarded.unguarded || unconditional) && { unguarded: true }) };
  }

  /** A put that was not taken: because of its expectation, or for another reason. */
  async #refused(key: Key, answer: S3Answer, tag: string, guarded: Guarded, signal: AbortSignal | undefined): Promise<Outcome> {
    const unmet = answer.status === 412 || (guarded.condition?.[0] === 'if-match' && answer.status === 404 && codeOf(answer) !== 'NoSuchBucket');
    if (!unmet) throw entryError(this.#bucket, 'write', key, answer);
    const found = await lookAt(this.#bucket, key, signal);
    // The answer to an earlier attempt was lost, and the attempt had gone through.
    if (answer.attempts > 1 && found?.version === tag) return { kind: 'done', stat: { version: tag, ...(found.size !== undefined && { size: found.size }), ...(found.digest && { digest: found.digest }) }, ...(guarded.unguarded && { unguarded: true }) };
    return { kind: 'stale', found };
  }

  /** What protects a write. Where the service does not, its expectation is looked at now. */
  async #guard(key: Key, expect: Expectation, kind: 'put' | 'delete', signal: AbortSignal | undefined): Promise<Guarded | { readonly stale: Outcome }> {
    const enforced = await this.#probe.enforced();
    if ('version' in expect && !/^[\x21-\x7e]+$/.test(expect.version)) return { stale: { kind: 'stale', found: await lookAt(this.#bucket, key, signal) } };
    const care = kind === 'delete' ? (enforced.deletion === 'none' ? 'ignored' : 'enforced') : 'absent' in expect ? enforced.absent : enforced.version;
    // A condition that is looked at just before the write saves a request of ours that would do the same.
    if ('absent' in expect && kind === 'put' && care !== 'ignored') return { condition: ['if-none-match', '*'], unguarded: care === 'checked' };
    if ('version' in expect && care !== 'ignored') return { condition: ['if-match', `"${expect.version}"`], unguarded: care === 'checked' };
    const found = await lookAt(this.#bucket, key, signal);
    return meets(found, expect) ? { condition: undefined, unguarded: true } : { stale: { kind: 'stale', found } };
  }

  async #deleteAll(batch: readonly Delete[], indexes: readonly number[], outcomes: Outcome[], signal: AbortSignal | undefined): Promise<void> {
    if (indexes.length === 0) return;
    const together: { readonly i: number; readonly guarded: Guarded }[] = [];
    const conditional = indexes.some((i) => batch[i]!.expect !== undefined);
    const { deletion } = conditional ? await this.#probe.enforced().catch(() => ({ deletion: 'none' as const })) : { deletion: 'none' as const };
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let at = next++; at < indexes.length; at = next++) {
        const i = indexes[at]!;
        const write = batch[i]!;
        const { ref: { key }, expect } = write;
        const outcome = await this.#answer(write, signal, async () => {
          const guarded = expect ? await this.#guard(key, expect, 'delete', signal) : { condition: undefined, unguarded: false };
          if ('stale' in guarded) return guarded.stale;
          if (isSayable(this.#bucket.prefix + key) && (!guarded.condition || deletion === 'batch')) {
            together.push({ i, guarded });
            return pending;
          }
          return await this.#deleteOne(key, guarded, signal);
        });
        outcomes[i] = outcome;
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#options.concurrency, indexes.length) }, lane));
    for (let at = 0; at < together.length; at += batchDeletes) await this.#deleteTogether(batch, together.slice(at, at + batchDeletes), outcomes, signal);
  }

  async #deleteOne(key: Key, { condition, unguarded }: Guarded, signal: AbortSignal | undefined): Promise<Outcome> {
    const answer = await this.#bucket.client.send({ method: 'DELETE', key: this.#bucket.prefix + key, ...(condition && { headers: condition }), signal });
    if (answer.status === 412 || (condition && answer.status === 404 && codeOf(answer) !== 'NoSuchBucket')) {
      const found = await lookAt(this.#bucket, key, signal);
      return answer.attempts > 1 && !found ? { kind: 'done', stat: {} } : { kind: 'stale', found };
    }
    if (answer.status >= 300 && answer.status !== 404) throw entryError(this.#bucket, 'delete', key, answer);
    if (answer.status === 404 && codeOf(answer) === 'NoSuchBucket') throw entryError(this.#bucket, 'delete', key, answer);
    return { kind: 'done', stat: {}, ...(unguarded && { unguarded: true }) };
  }

  /** Deletes by one request. What the answer does not name was not answered, and is asked for by itself. */
  async #deleteTogether(batch: readonly Delete[], together: readonly { readonly i: number; readonly guarded: Guarded }[], outcomes: Outcome[], signal: AbortSignal | undefined): Promise<void> {
    const { client, prefix } = this.#bucket;
    const { body, headers } = deleteBody(together.map(({ i, guarded }) => ({ key: prefix + batch[i]!.ref.key, tag: guarded.condition && tagOf(guarded.condition[1]) })));
    let answer: S3Answer | undefined;
    let failure: unknown;
    try {
      answer = await client.send({ method: 'POST', query: { delete: '' }, headers, body, signal });
    } catch (cause) {
      failure = cause;
    }
    const xml = answer?.status === 200 ? answer.body.toString() : '';
    const deleted = new Set<string>();
    for (const item of elementsOf(xml, 'Deleted')) deleted.add(textOf(item, 'Key') ?? '');
    await Promise.all(together.map(async ({ i, guarded }) => {
      const write = batch[i]!;
      const { key } = write.ref;
      outcomes[i] = deleted.has(prefix + key) ? { kind: 'done', stat: {}, ...(guarded.unguarded && { unguarded: true }) } : await this.#answer(write, signal, async () => {
        if (failure !== undefined) throw failure as Error;
        if (answer && answer.status !== 200 && answer.status !== 501 && answer.status !== 405 && codeOf(answer) !== 'MalformedXML') throw entryError(this.#bucket, 'delete', key, answer);
        return await this.#deleteOne(key, guarded, signal);
      });
    }));
  }
}

/** Stands for a deletion until it has been sent. */
const pending: Outcome = { kind: 'done', stat: {} };

/** Content in one piece; `undefined` where it is as large as `most` or larger. */
async function whole(content: Content & { kind: 'blob' }, most: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content.bytes()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= most) return undefined;
  }
  const [first] = chunks;
  return chunks.length === 1 && first ? Buffer.from(first.buffer, first.byteOffset, first.byteLength) : Buffer.concat(chunks, size);
}

/** Whether an expectation holds for what was found. */
export function meets(found: Entry | undefined, expect: Expectation): boolean {
  if ('absent' in expect) return found === undefined;
  if ('version' in expect) return found?.version === expect.version;
  return found === undefined || (found.modifiedAt ?? Infinity) < expect.older;
}
