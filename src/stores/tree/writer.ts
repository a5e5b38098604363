import { lutimesSync, rmdirSync, unlinkSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Content, Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Key } from '../../model/key.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { Expectation, Outcome, Write } from '../../model/store.ts';
import { fileBlob, readWhole, sameBytes, smallBytes } from './blob.ts';
import { Draft } from './draft.ts';
import { lookAt, microsOf, statOfFile, versionOf } from './facts.ts';
import { codeOf, fileError } from './file-error.ts';
import { ignoresCase, Neighbours } from './neighbours.ts';
import { below, flawOf, isHidden, obstructed, parentOf, Parents } from './paths.ts';

export interface TreeWriterOptions {
  readonly root: string;
  readonly name: string;
  readonly host: Host;
  readonly hidden: 'include' | 'skip';
  readonly case: 'auto' | 'sensitive' | 'insensitive';
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

/** The writing half of a tree. */
export class TreeWriter {
  readonly #options: TreeWriterOptions;
  #neighbours: Neighbours | undefined;
  #probed = false;

  constructor(options: TreeWriterOptions) {
    this.#options = options;
  }

  /** What is remembered of the directories is asked for again. */
  forget(): void {
    this.#neighbours?.forget();
  }

  async write(batch: readonly Write[], signal: AbortSignal | undefined): Promise<readonly Outcome[]> {
    const parents = new Parents(this.#options.root);
    const emptied = new Set<Key>();
    const outcomes: Outcome[] = [];
    for (const write of batch) outcomes.push(await this.#answer(write, parents, emptied, signal));
    for (const directory of emptied) this.#prune(directory);
    if (emptied.size > 0) this.forget();
    return outcomes;
  }

  async #answer(write: Write, parents: Parents, emptied: Set<Key>, signal: AbortSignal | undefined): Promise<Outcome> {
    const { name } = this.#options;
    const key = keyOfWrite(write);
    try {
      signal?.throwIfAborted();
      const flaw = this.#flawOf(key);
      if (flaw !== undefined) throw new SyncError('invalid', `${JSON.stringify(key)} cannot be a file in ${name}: ${flaw}`, { store: name, key });
      return write.kind === 'delete' ? this.#delete(write.expect, key, parents, emptied) : await this.#put(write, key, parents, signal);
    } catch (cause) {
      return { kind: 'failed', error: fileError(cause, write.kind === 'delete' ? 'delete' : 'write', join(name, key), { store: name, key }) };
    }
  }

  #flawOf(key: Key): string | undefined {
    const { hidden, keyBytes } = this.#options;
    if (key.length * 3 > keyBytes && Buffer.byteLength(key) > keyBytes) return `it is longer than ${keyBytes} bytes`;
    return flawOf(key) ?? (hidden === 'skip' && isHidden(key) ? 'hidden files are no part of this tree' : undefined);
  }

  async #put(write: Put, key: Key, parents: Parents, signal: AbortSignal | undefined): Promise<Outcome> {
    const { content } = write.entry;
    if (content.kind !== 'blob') throw new SyncError('unsupported', `${this.#options.name} holds files, and ${key} is a document`, { key });
    const { head, rest } = await beginning(content);
    try {
      return await this.#putBytes(write, head, rest, parents, signal);
    } finally {
      // Whoever sends is told that no more is wanted.
      await rest?.[Symbol.asyncIterator]().return?.();
    }
  }

  async #putBytes(write: Put, head: Uint8Array, rest: AsyncIterable<Uint8Array> | undefined, parents: Parents, signal: AbortSignal | undefined): Promise<Outcome> {
    const { key } = write.entry;
    const before = this.#look(key, parents, write.expect);
    if (before.stale) return before.stale;

    // Compared before anything is made, so that writing what is there already changes nothing.
    if (!rest && before.facts?.size === BigInt(head.length) && readWhole(before.path, before.facts)?.bytes.equals(head)) return same(before.path, before.facts, write.entry);

    this.#check(key, parents);
    using draft = this.#draft(key, parents);
    draft.write(head);
    if (!rest) return this.#place(draft, write, before);
    for await (const chunk of rest) {
      signal?.throwIfAborted();
      draft.write(chunk);
    }
    const now = this.#look(key, new Parents(this.#options.root), write.expect);
    if (now.stale) return now.stale;
    if (now.facts?.size === BigInt(draft.size) && sameBytes(now.path, draft.path)) return same(now.path, now.facts, write.entry);
    return this.#place(draft, write, now);
  }

  #delete(expect: Expectation | undefined, key: Key, parents: Parents, emptied: Set<Key>): Outcome {
    const { path, facts, stale } = this.#look(key, parents, expect);
    if (stale) return stale;
    if (facts) {
      this.#probe();
      this.#neighbours?.check(key);
      unlinkSync(path);
      this.#neighbours?.remove(key);
      emptied.add(parentOf(key));
    }
    return { kind: 'done', stat: {}, ...(expect && facts ? { unguarded: true } : {}) };
  }

  /** What is at `key` now. Throws when it is no file, or is reached through a link. */
  #look(key: Key, parents: Parents, expect: Expectation | undefined): Standing {
    const { root, name } = this.#options;
    const path = below(root, key);
    const above = parents.above(key);
    if (above === 'link' || above === 'file') throw obstructed(dirname(join(name, key)), above);
    const facts = above === 'directory' ? lookAt(path) : undefined;
    if (facts && !facts.isFile()) throw new SyncError('invalid', `${join(name, key)} is ${facts.isDirectory() ? 'a directory' : facts.isSymbolicLink() ? 'a symbolic link' : 'a special file'} where a file is needed`, { key, hint: 'move it away' });
    const found: Entry | undefined = facts && { key, place: below(name, key), ...statOfFile(facts), content: fileBlob(path, versionOf(facts)) };
    if (expect && !meets(found, expect)) return { path, stale: { kind: 'stale', found } };
    return facts ? { path, facts } : { path };
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

  #draft(key: Key, parents: Parents): Draft {
    const directory = join(this.#options.root, parentOf(key));
    try {
      return Draft.create(directory, this.#options.host);
    } catch (cause) {
      if (codeOf(cause) !== 'ENOENT') throw cause;
      // Another batch deleted the last file of the directory, and the directory with it.
      parents.forget();
      parents.make(key);
      return Draft.create(directory, this.#options.host);
    }
  }

  #place(draft: Draft, { entry, expect }: Put, { path, facts }: Standing): Outcome {
    draft.finish({ like: facts, modifiedAt: entry.modifiedAt });
    if (expect && 'absent' in expect) {
      const claimed = draft.claim(path);
      if (claimed === 'done') return { kind: 'done', stat: draft.stat(path) };
      if (claimed === 'taken') {
        const taken = lookAt(path);
        return { kind: 'stale', found: taken && { key: entry.key, place: join(this.#options.name, entry.key), ...statOfFile(taken) } };
      }
    }
    if (expect && !unchanged(lookAt(path), facts)) {
      const now = lookAt(path);
      return { kind: 'stale', found: now && { key: entry.key, ...statOfFile(now) } };
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
async function beginning(content: Content & { kind: 'blob' }): Promise<{ readonly head: Uint8Array; readonly rest?: AsyncIterable<Uint8Array> }> {
  const chunks: Uint8Array[] = [];
  const iterator = content.bytes()[Symbol.asyncIterator]();
  let size = 0;
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    chunks.push(next.value);
    size += next.value.length;
    if (size > smallBytes) return { head: Buffer.concat(chunks, size), rest: { [Symbol.asyncIterator]: () => iterator } };
  }
  return { head: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size) };
}

/** The file holds what it should already. Its time is set where one was asked for and it has another. */
function same(path: string, facts: BigIntStats, { modifiedAt }: Entry): Outcome {
  if (modifiedAt === undefined || microsOf(facts) === modifiedAt) return { kind: 'done', stat: statOfFile(facts) };
  lutimesSync(path, Number(facts.atimeMs) / 1e3, modifiedAt / 1e6);
  return { kind: 'done', stat: statOfFile(lookAt(path) ?? facts) };
}

function meets(found: Entry | undefined, expect: Expectation): boolean {
  if ('absent' in expect) return found === undefined;
  if ('version' in expect) return found?.version === expect.version;
  return found === undefined || (found.modifiedAt ?? Infinity) < expect.older;
}

function unchanged(now: BigIntStats | undefined, before: BigIntStats | undefined): boolean {
  return now && before ? versionOf(now) === versionOf(before) : now === before;
}
