import { Limit } from '../../lib/limit.ts';
import { limits } from '../../lib/limits.ts';
import type { Content, Entry, Ref } from '../../model/entry.ts';
import { statOf } from '../../model/entry.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import { compareKeys } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { CallOptions, Capabilities, Expectation, Outcome, Page, ScanOptions, Store, Write } from '../../model/store.ts';
import type { Actor, Listed } from './actor.ts';
import { UploadFile } from './upload-file.ts';

export interface ActorStoreOptions {
  readonly name?: string;
  /** Which place this is. Default: the name. */
  readonly identity?: string;
  /** How many uploads and deletions are under way at once. */
  readonly concurrency?: number;
}

type Put = Write & { readonly kind: 'put' };

/**
 * A target that somebody else wrote, as a store of blobs. Nothing it says is taken on trust: a listing that claims to be
 * sorted is held to it, what was uploaded is looked up, and what is to be overwritten is looked at just before.
 */
export class ActorStore implements Store {
  readonly name: string;
  readonly identity: string;
  readonly capabilities: Capabilities;
  readonly #actor: Actor;
  readonly #limit: Limit;
  #closed = false;

  constructor(actor: Actor, { name = 'actor', identity = `actor:${name}`, concurrency = 16 }: ActorStoreOptions = {}) {
    this.name = name;
    this.identity = identity;
    this.#actor = actor;
    this.#limit = new Limit(concurrency);
    this.capabilities = {
      holds: 'blobs', order: actor.alreadySorted === true ? 'key' : 'none', enumerates: 'all', reads: 'dear',
      modifiedAt: 'none', modifiedAtPrecision: 1, digests: ['md5'], expects: [],
      deletes: true, dependencies: 'ignored', visibility: 'immediate',
      // Before and after each batch the target is asked what it holds, which large ones make rare.
      limits: { batchEntries: 500, inFlight: 2, keyBytes: 4_096 },
    };
  }

  async *scan({ under, signal }: ScanOptions = {}): AsyncGenerator<Page> {
    signal?.throwIfAborted();
    const sorted = this.capabilities.order === 'key';
    let entries: Entry[] = [];
    let last: Key | undefined;
    for await (const listed of this.#list(under)) {
      const entry = this.#entryOf(listed);
      if (sorted && last !== undefined && compareKeys(last, entry.key) > 0) {
        throw new SyncError('corrupt', `${this.name} says that it lists keys in order, and gives ${JSON.stringify(entry.key)} after ${JSON.stringify(last)}`, { store: this.name, hint: 'nothing is decided on such a listing; sort it by the bytes of UTF-8, or leave out alreadySorted' });
      }
      last = entry.key;
      entries.push(entry);
      if (entries.length < limits.pageEntries) continue;
      signal?.throwIfAborted();
      yield { entries };
      entries = [];
    }
    signal?.throwIfAborted();
    if (entries.length > 0) yield { entries };
  }

  /** What cannot be downloaded comes without its content. */
  async read(refs: readonly Ref[], { signal }: CallOptions = {}): Promise<readonly (Entry | undefined)[]> {
    signal?.throwIfAborted();
    const held = await this.#look(refs.map(({ key }) => key));
    return refs.map(({ key }) => {
      const entry = held.get(key);
      const content = this.#content(key);
      return entry && content ? { ...entry, content } : entry;
    });
  }

  async write(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    signal?.throwIfAborted();
    const before = await this.#look(batch.map(keyOfWrite));
    const files = new Map<number, UploadFile>();
    const outcomes = await Promise.all(await this.#startAll(batch, async (write, i) => {
      const found = before.get(keyOfWrite(write));
      if (write.expect && !meets(found, write.expect)) return { kind: 'stale', found };
      return write.kind === 'put' ? this.#upload(write, (file) => files.set(i, file)) : this.#delete(write);
    }));
    const after = files.size > 0 ? await this.#look([...files.values()].map(({ key }) => key)) : before;
    return outcomes.map((outcome, i) => {
      const file = files.get(i);
      return file && outcome.kind === 'done' ? this.#verified(outcome, file, before.get(file.key), after.get(file.key)) : outcome;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#actor.close?.();
  }

  /** Begins every write as soon as there is room for it. */
  async #startAll(batch: readonly Write[], one: (write: Write, i: number) => Promise<Outcome>): Promise<readonly Promise<Outcome>[]> {
    const started: Promise<Outcome>[] = [];
    for (const [i, write] of batch.entries()) {
      const outcome = Promise.withResolvers<Outcome>();
      started.push(outcome.promise);
      const key = keyOfWrite(write);
      await this.#limit.add(async () => outcome.resolve(await one(write, i).catch((cause: unknown): Outcome => ({ kind: 'failed', error: this.#failure(cause, key, write.kind === 'put' ? 'take' : 'delete') }))));
    }
    return started;
  }

  async #upload({ entry, expect }: Put, begun: (file: UploadFile) => void): Promise<Outcome> {
    const { key, content } = entry;
    const flaw = this.#flawOf(key, content);
    if (flaw !== undefined) return { kind: 'failed', error: new SyncError('invalid', `${this.name} cannot take ${JSON.stringify(key)}: ${flaw}`, { store: this.name, key }) };
    const file = new UploadFile(entry);
    await this.#actor.upload(file);
    begun(file);
    return { kind: 'done', stat: {}, ...(expect && { unguarded: true }) };
  }

  async #delete({ ref: { key }, expect }: Write & { readonly kind: 'delete' }): Promise<Outcome> {
    await this.#actor.delete(key);
    return { kind: 'done', stat: {}, ...(expect && { unguarded: true }) };
  }

  /** What the target says of what it was given. One that does not show it yet says nothing. */
  #verified(outcome: Outcome & { readonly kind: 'done' }, file: UploadFile, before: Entry | undefined, after: Entry | undefined): Outcome {
    const { sent } = file;
    if (!after || !sent) return outcome;
    const differs = after.size !== sent.size || (after.digest !== undefined && after.digest.value !== sent.md5);
    if (!differs) return { ...outcome, stat: { ...statOf(after), digest: { algorithm: 'md5', value: sent.md5 } } };
    if (before !== undefined && before.version === after.version) return outcome;
    return { kind: 'failed', error: new SyncError('conflict', `${this.name} does not hold what was uploaded to ${JSON.stringify(file.key)}`, { store: this.name, key: file.key, hint: 'run again; if it says so again, its upload loses something' }) };
  }

  async #look(keys: readonly Key[]): Promise<ReadonlyMap<Key, Entry>> {
    const wanted = new Set(keys);
    const found = new Map<Key, Entry>();
    if (wanted.size === 0) return found;
    for await (const listed of this.#list([...wanted])) if (wanted.has(listed.key)) found.set(listed.key, this.#entryOf(listed));
    return found;
  }

  async *#list(under: readonly Key[] | undefined): AsyncGenerator<Listed> {
    try {
      yield* await this.#actor.list(under === undefined || under.includes('') ? {} : { under });
    } catch (cause) {
      throw this.#failure(cause, undefined, 'list');
    }
  }

  #entryOf({ key, size, md5, mtime }: Listed): Entry {
    if (typeof key !== 'string' || key === '' || !key.isWellFormed() || !Number.isSafeInteger(size) || size < 0) {
      throw new SyncError('corrupt', `${this.name} lists an entry without a key or a size: ${JSON.stringify({ key, size })}`, { store: this.name, hint: 'its list must give a key, and a size in bytes, with every entry' });
    }
    const digest = md5 !== undefined && /^[0-9a-f]{32}$/i.test(md5) ? md5.toLowerCase() : undefined;
    return { key, size, version: digest ?? `${size} ${mtime ?? ''}`, ...(digest !== undefined && { digest: { algorithm: 'md5', value: digest } }) };
  }

  #content(key: Key): Content | undefined {
    const { download } = this.#actor;
    return download && { kind: 'blob', bytes: () => download.call(this.#actor, key) };
  }

  #flawOf(key: Key, { kind }: Content): string | undefined {
    if (kind !== 'blob') return 'it is a document, and only files can be uploaded';
    if (key === '') return 'it is empty';
    if (!key.isWellFormed()) return 'it is not well-formed Unicode';
    return Buffer.byteLength(key) > this.capabilities.limits.keyBytes ? `it is longer than ${this.capabilities.limits.keyBytes} bytes` : undefined;
  }

  /** What is thrown for an ordinary reason may pass; a mistake in the module does not. */
  #failure(cause: unknown, key: Key | undefined, verb: string): SyncError {
    const details = { store: this.name, ...(key !== undefined && { key }) };
    if (cause instanceof SyncError || !(cause instanceof Error) || cause.name === 'AbortError') return toSyncError(cause, details);
    const mistaken = cause instanceof TypeError || cause instanceof ReferenceError || cause instanceof RangeError;
    return new SyncError(mistaken ? 'internal' : 'unavailable', `${this.name} cannot ${verb}${key === undefined ? '' : ` ${key}`}: ${cause.message}`, { cause, ...details });
  }
}

function meets(found: Entry | undefined, expect: Expectation): boolean {
  if ('absent' in expect) return found === undefined;
  // The times a target tells are its own affair, so that nothing there is ever known to be older.
  return 'version' in expect ? found?.version === expect.version : found === undefined;
}
