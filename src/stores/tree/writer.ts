import { lutimesSync, renameSync, rmdirSync, symlinkSync, unlinkSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { dirname, join } from 'node:path';
import { Limit } from '../../lib/limit.ts';
import { heldBlob } from '../../model/blob.ts';
import type { Content, Entry, Micros } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Key } from '../../model/key.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { Expectation, Outcome, Write } from '../../model/store.ts';
import { fileBlob, readWhole, sameBytes, smallBytes } from './blob.ts';
import { Draft, draftPath } from './draft.ts';
import { Busy } from './busy.ts';
import { setMode, syncDirectories } from './durable.ts';
import { attributesOf, lookAt, microsOf, statOfFile, versionOf } from './facts.ts';
import { codeOf, fileError } from './file-error.ts';
import { isEntry, linkTarget, readLink } from './links.ts';
import type { Links } from './links.ts';
import { ignoresCase, Neighbours } from './neighbours.ts';
import { below, flawOf, isHidden, obstructed, parentOf, Parents } from './paths.ts';

export interface TreeWriterOptions {
  readonly root: string;
  readonly name: string;
  readonly host: Host;
  readonly hidden: 'include' | 'skip';
  readonly case: 'auto' | 'sensitive' | 'insensitive';
  readonly links: Links;
  /** Whether what is written is on the disk before it is said to be done. */
  readonly durable: boolean;
  /** How many entries of a batch are written at once. */
  readonly concurrency: number;
  /** The longest key. */
  readonly keyBytes: number;
}

type Put = Write & { readonly kind: 'put' };

/** A file as it stands; absent where there is none. `stale`: it is not what was expected. */
interface Standing {
  readonly path: string;
  readonly facts?: BigIntStats;
  readonly stale?: Outcome;
}

/** What the writes of one batch share. */
interface Call {
  readonly parents: Parents;
  readonly signal: AbortSignal | undefined;
  /** Directories that lost an entry. */
  readonly emptied: Set<Key>;
  /** Directories that hold other names than before. */
  readonly changed: Set<Key>;
}

/** The writing half of a tree. */
export class TreeWriter {
  readonly #options: TreeWriterOptions;
  #neighbours: Neighbours | undefined;
  /** What is being written, and so not in its directory yet. */
  readonly #writing = new Set<Key>();
  #probed = false;

  constructor(options: TreeWriterOptions) {
    this.#options = options;
  }

  /** What is remembered of the directories is asked for again. */
  forget(): void {
    this.#neighbours?.forget();
    for (const key of this.#neighbours ? this.#writing : []) this.#neighbours?.add(key);
  }

  async write(batch: readonly Write[], signal: AbortSignal | undefined): Promise<readonly Outcome[]> {
    const { root, durable, concurrency } = this.#options;
    const call: Call = { parents: new Parents(root), signal, emptied: new Set(), changed: new Set() };
    const outcomes: Outcome[] = [];
    const limit = new Limit(concurrency);
    const busy = new Busy();
    for (const [i, write] of batch.entries()) {
      // Those that are about one place happen one after the other.
      if (!busy.take(keyOfWrite(write))) {
        await limit.drain();
        busy.clear();
        busy.take(keyOfWrite(write));
      }
      await limit.add(async () => { outcomes[i] = await this.#answer(write, call); });
    }
    await limit.drain();
    for (const directory of call.emptied) this.#prune(directory);
    // No name is taken by what is gone or was not made.
    if (call.emptied.size > 0 || outcomes.some(({ kind }) => kind === 'failed')) this.forget();
    if (!durable) return outcomes;
    const failed = await syncDirectories(root, [...call.changed, ...call.emptied, ...call.parents.grown]);
    if (failed.size === 0) return outcomes;
    return outcomes.map((outcome, i) => {
      const key = keyOfWrite(batch[i]!);
      const cause = failed.get(parentOf(key));
      return outcome.kind === 'done' && cause !== undefined ? this.#failure(cause, batch[i]!) : outcome;
    });
  }

  async #answer(write: Write, call: Call): Promise<Outcome> {
    const { name } = this.#options;
    const key = keyOfWrite(write);
    try {
      call.signal?.throwIfAborted();
      const flaw = this.#flawOf(key);
      if (flaw !== undefined) throw new SyncError('invalid', `${JSON.stringify(key)} cannot be a file in ${name}: ${flaw}`, { store: name, key });
      return write.kind === 'delete' ? this.#delete(write.expect, key, call) : await this.#put(write, key, call);
    } catch (cause) {
      return this.#failure(cause, write);
    }
  }

  #failure(cause: unknown, write: Write): Outcome {
    const { name } = this.#options;
    const key = keyOfWrite(write);
    return { kind: 'failed', error: fileError(cause, write.kind === 'delete' ? 'delete' : 'write', join(name, key), { store: name, key }) };
  }

  #flawOf(key: Key): string | undefined {
    const { hidden, keyBytes } = this.#options;
    if (key.length * 3 > keyBytes && Buffer.byteLength(key) > keyBytes) return `it is longer than ${keyBytes} bytes`;
    return flawOf(key) ?? (hidden === 'skip' && isHidden(key) ? 'hidden files are no part of this tree' : undefined);
  }

  async #put(write: Put, key: Key, call: Call): Promise<Outcome> {
    const { content, attributes } = write.entry;
    const { name, links } = this.#options;
    if (content.kind !== 'blob') throw new SyncError('unsupported', `${name} holds files, and ${key} is a document`, { key });
    if (attributes?.link && links !== 'keep') throw new SyncError('unsupported', `${key} is a symbolic link, and ${name} keeps none`, { key, hint: 'let both sides keep links, or follow them' });
    this.#collide(key);
    this.#writing.add(key);
    let rest: AsyncIterable<Uint8Array> | undefined;
    try {
      const begun = await beginning(content, write.entry.size);
      const { head } = begun;
      rest = begun.rest;
      if (attributes?.link) return rest ? tooLong(key) : this.#putLink(write, head, call);
      return await this.#putBytes(write, head, rest, call);
    } finally {
      this.#writing.delete(key);
      // Whoever sends is told that no more is wanted.
      await rest?.[Symbol.asyncIterator]().return?.();
    }
  }

  async #putBytes(write: Put, head: Uint8Array, rest: AsyncIterable<Uint8Array> | undefined, call: Call): Promise<Outcome> {
    const { entry, expect } = write;
    const { key } = entry;
    const before = this.#look(key, call.parents, expect);
    if (before.stale) return before.stale;

    // Compared before anything is made, so that writing what is there already changes nothing.
    if (!rest && before.facts?.isFile() && before.facts.size === BigInt(head.length) && readWhole(before.path, before.facts)?.bytes.equals(head)) return same(before.path, before.facts, entry);

    this.#check(key, call.parents);
    using draft = this.#draft(key, call.parents, before.facts !== undefined || entry.attributes?.mode !== undefined);
    draft.write(head);
    let now = before;
    if (rest) {
      for await (const chunk of rest) {
        call.signal?.throwIfAborted();
        draft.write(chunk);
      }
      now = this.#look(key, new Parents(this.#options.root), expect);
      if (now.stale) return now.stale;
      if (now.facts?.isFile() && now.facts.size === BigInt(draft.size) && sameBytes(now.path, draft.path)) return same(now.path, now.facts, entry);
    }
    const facts = { like: now.facts?.isFile() ? now.facts : undefined, mode: entry.attributes?.mode, modifiedAt: timeOf(entry) };
    if (this.#options.durable) await draft.finishDurably(facts);
    else draft.finish(facts);
    return this.#place(draft, write, now, call);
  }

  /** What is made is a link, and never anything that one leads to. */
  #putLink({ entry, expect }: Put, head: Uint8Array, call: Call): Outcome {
    const { root, host } = this.#options;
    const { key } = entry;
    const target = linkTarget(root, key, head);
    const { path, facts, stale } = this.#look(key, call.parents, expect);
    if (stale) return stale;
    if (facts?.isSymbolicLink() && readLink(path).equals(head)) return same(path, facts, entry);
    this.#check(key, call.parents);
    const isFirst = expect !== undefined && 'absent' in expect;
    const made = isFirst ? path : draftPath(dirname(path), host);
    try {
      symlinkSync(target, made);
    } catch (cause) {
      if (!isFirst || codeOf(cause) !== 'EEXIST') throw cause;
      return { kind: 'stale', found: this.#found(key, path, lookAt(path)) };
    }
    try {
      const modifiedAt = timeOf(entry);
      if (modifiedAt !== undefined) lutimesSync(made, modifiedAt / 1e6, modifiedAt / 1e6);
      if (!isFirst) renameSync(made, path);
    } catch (cause) {
      unlinkSync(made);
      throw cause;
    }
    call.changed.add(parentOf(key));
    const now = lookAt(path);
    return { kind: 'done', stat: now?.isSymbolicLink() ? statOfFile(now) : {}, ...(expect && !isFirst ? { unguarded: true } : {}) };
  }

  #delete(expect: Expectation | undefined, key: Key, call: Call): Outcome {
    const { path, facts, stale } = this.#look(key, call.parents, expect);
    if (stale) return stale;
    if (facts) {
      this.#probe();
      this.#neighbours?.check(key);
      unlinkSync(path);
      this.#neighbours?.remove(key);
      call.emptied.add(parentOf(key));
    }
    return { kind: 'done', stat: {}, ...(expect && facts ? { unguarded: true } : {}) };
  }

  /** What is at `key` now. Throws when it is no entry, or is reached through a link. */
  #look(key: Key, parents: Parents, expect: Expectation | undefined): Standing {
    const { root, name, links } = this.#options;
    const path = below(root, key);
    const above = parents.above(key);
    if (above === 'link' || above === 'file') throw obstructed(dirname(join(name, key)), above);
    const facts = above === 'directory' ? lookAt(path) : undefined;
    if (facts && !isEntry(facts, links)) throw new SyncError('invalid', `${join(name, key)} is ${facts.isDirectory() ? 'a directory' : facts.isSymbolicLink() ? 'a symbolic link' : 'a special file'} where a file is needed`, { key, hint: 'move it away' });
    if (expect) {
      const found = this.#found(key, path, facts);
      if (!meets(found, expect)) return { path, stale: { kind: 'stale', found } };
    }
    return facts ? { path, facts } : { path };
  }

  #found(key: Key, path: string, facts: BigIntStats | undefined): Entry | undefined {
    if (!facts) return undefined;
    const entry = { key, place: below(this.#options.name, key), ...statOfFile(facts), attributes: attributesOf(facts) };
    if (facts.isFile()) return { ...entry, content: fileBlob(path, versionOf(facts)) };
    return facts.isSymbolicLink() ? { ...entry, content: heldBlob(readLink(path)) } : entry;
  }

  /** Refuses what would fall together with another name, before anything of the entry is asked for. */
  #collide(key: Key): void {
    if (this.#options.case === 'sensitive') return;
    if (this.#options.case === 'insensitive') this.#probe();
    this.#neighbours?.check(key);
    this.#neighbours?.add(key);
  }

  /** Refuses what would fall together with another name, and makes the directories. */
  #check(key: Key, parents: Parents): void {
    if (!this.#probed) parents.make('');
    this.#probe();
    this.#neighbours?.check(key);
    parents.make(key);
    this.#neighbours?.add(key);
  }

  #probe(): void {
    const { root, case: casing, host } = this.#options;
    if (this.#probed) return;
    if (casing === 'insensitive' || (casing === 'auto' && ignoresCase(root, host))) this.#neighbours = new Neighbours(root);
    this.#probed = true;
  }

  #draft(key: Key, parents: Parents, closed: boolean): Draft {
    const { root, host } = this.#options;
    const directory = join(root, parentOf(key));
    try {
      return Draft.create(directory, host, { closed });
    } catch (cause) {
      if (codeOf(cause) !== 'ENOENT') throw cause;
      // Another batch deleted the last file of the directory, and the directory with it.
      parents.forget();
      parents.make(key);
      return Draft.create(directory, host, { closed });
    }
  }

  #place(draft: Draft, { entry: { key }, expect }: Put, { path, facts }: Standing, { changed }: Call): Outcome {
    const stale = (now: BigIntStats | undefined): Outcome => ({ kind: 'stale', found: this.#found(key, path, now) });
    changed.add(parentOf(key));
    if (expect && 'absent' in expect) {
      const claimed = draft.claim(path);
      if (claimed === 'done') return { kind: 'done', stat: draft.stat(path) };
      if (claimed === 'taken') return stale(lookAt(path));
    }
    if (expect) {
      const now = lookAt(path);
      if (!unchanged(now, facts)) return stale(now);
    }
    draft.replace(path);
    return { kind: 'done', stat: draft.stat(path), ...(expect ? { unguarded: true } : {}) };
  }

  /** Removes a directory that holds nothing any more, and those above it, but not the root. */
  #prune(directory: Key): void {
    for (let path = directory; path !== ''; path = parentOf(path)) {
      try {
        rmdirSync(join(this.#options.root, path));
      } catch {
        return;
      }
    }
  }
}

/** The content up to about {@link smallBytes}, and what comes after where there is more. */
async function beginning(content: Content & { kind: 'blob' }, expected = 0): Promise<{ readonly head: Uint8Array; readonly rest?: AsyncIterable<Uint8Array> }> {
  const chunks: Uint8Array[] = [];
  // What is large passes through memory that is used again, but for its beginning.
  const memory = expected > smallBytes ? Buffer.allocUnsafeSlow(smallBytes) : undefined;
  const iterator = content.bytes(memory && (() => memory))[Symbol.asyncIterator]();
  let size = 0;
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    chunks.push(memory ? Buffer.from(next.value) : next.value);
    size += next.value.length;
    if (size > smallBytes) return { head: Buffer.concat(chunks, size), rest: { [Symbol.asyncIterator]: () => iterator } };
  }
  return { head: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size) };
}

/** The entry holds what it should already. Its time and mode are set where others were asked for. */
function same(path: string, facts: BigIntStats, entry: Entry): Outcome {
  const modifiedAt = timeOf(entry);
  const mode = facts.isFile() ? entry.attributes?.mode : undefined;
  const other = { mode: mode !== undefined && BigInt(mode & 0o777) !== (facts.mode & 0o777n), time: modifiedAt !== undefined && microsOf(facts) !== modifiedAt };
  if (!other.mode && !other.time) return { kind: 'done', stat: statOfFile(facts) };
  if (other.mode) setMode(path, mode! & 0o777);
  if (other.time) lutimesSync(path, Number(facts.atimeMs) / 1e3, modifiedAt! / 1e6);
  return { kind: 'done', stat: statOfFile(lookAt(path) ?? facts) };
}

/** What the file was before it was copied counts for more than what its store says of the copy. */
function timeOf({ attributes, modifiedAt }: Entry): Micros | undefined {
  return attributes?.modifiedAt ?? modifiedAt;
}

function tooLong(key: Key): never {
  throw new SyncError('invalid', `the link ${key} is not made, because what it is to lead to is not a path`, { key, hint: 'make it by hand if it is meant' });
}

function meets(found: Entry | undefined, expect: Expectation): boolean {
  if ('absent' in expect) return found === undefined;
  if ('version' in expect) return found?.version === expect.version;
  return found === undefined || (found.modifiedAt ?? Infinity) < expect.older;
}

function unchanged(now: BigIntStats | undefined, before: BigIntStats | undefined): boolean {
  return now && before ? versionOf(now) === versionOf(before) : now === before;
}
