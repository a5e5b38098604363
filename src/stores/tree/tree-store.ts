import { rmSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { normalize } from 'node:path';
import { limits } from '../../lib/limits.ts';
import { heldBlob, unreadableBlob } from '../../model/blob.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Key } from '../../model/key.ts';
import type { CallOptions, Capabilities, Hint, Outcome, Page, ScanOptions, Store, Write } from '../../model/store.ts';
import { fileBlob, readWhole, smallBytes } from './blob.ts';
import { attributesOf, lookAt, statOfFile, versionOf } from './facts.ts';
import { codeOf, fileError } from './file-error.ts';
import { directoriesTo, followsFiles, isEntry, readLink, realPath } from './links.ts';
import type { Links } from './links.ts';
import { mountOf } from './mount.ts';
import { below, canonicalPath, flawOf, isHidden, kindAt, parentOf, Parents } from './paths.ts';
import { walk } from './walk.ts';
import { watchTree } from './watch.ts';
import { TreeWriter } from './writer.ts';

export interface TreeOptions {
  /** Whether files and directories whose names begin with a dot are part of the tree. */
  readonly hidden?: 'include' | 'skip';
  /** Whether names that differ only in case are one name. `auto`: as the file system has it. */
  readonly case?: 'auto' | 'sensitive' | 'insensitive';
  /** What a directory that does not exist is: refused when it is read, or empty, as a target is before the first run. Writing makes it. */
  readonly missing?: 'refuse' | 'empty';
  /** What becomes of symbolic links. */
  readonly links?: Links;
  /** Whether what is written is on the disk, and not only in the system's memory, before it is said to be done. */
  readonly durable?: boolean;
  /** How many entries of a batch are written at once. */
  readonly concurrency?: number;
}

/** What a directory can do; how long a key may be depends on where the directory is. */
export const treeCapabilities: Capabilities = {
  holds: 'blobs',
  order: 'key',
  enumerates: 'all',
  reads: 'cheap',
  modifiedAt: 'kept',
  modifiedAtPrecision: 1,
  digests: [],
  expects: ['absent'],
  deletes: true,
  dependencies: 'ignored',
  visibility: 'immediate',
  limits: { batchEntries: 500, inFlight: 4, keyBytes: 3_000 },
};

/** Bytes of small files one call of `read` may hold in memory; the others are read when their content is asked for. */
const heldBytes = 16 * 1024 * 1024;

/** A file modified this recently is likely to be modified again. */
const freshMs = 2_000;

/** A file that was changed while it was read is read again so often, each time after a little longer. */
const restlessAttempts = 6;
const restlessMs = 20;

/** A draft this old belongs to no run. */
const leftoverAgeMs = 24 * 60 * 60 * 1_000;

/**
 * A directory as a store of blobs: keys are paths relative to it. Nothing outside it is written, nor read, unless links
 * are followed. Special files are passed over. Every write is atomic. A file that already holds what is to be written is not
 * touched; if only its time is to change, only that is set.
 */
export class TreeStore implements Store {
  readonly name: string;
  readonly identity: string;
  readonly capabilities: Capabilities;
  readonly #root: string;
  /** The root as messages show it. */
  readonly #shown: string;
  readonly #host: Host;
  readonly #hidden: 'include' | 'skip';
  readonly #missing: 'refuse' | 'empty';
  readonly #links: Links;
  readonly #writer: TreeWriter;
  #leftovers: string[] = [];

  /** Throws `invalid` when `root` is a file. */
  constructor(root: string, host: Host, { hidden = 'include', case: casing = 'auto', missing = 'refuse', links = 'skip', durable = true, concurrency = 16 }: TreeOptions = {}) {
    this.name = root;
    this.#shown = normalize(root);
    this.#root = canonicalPath(root);
    this.identity = `tree:${this.#root}`;
    this.#host = host;
    // Linux takes paths of 4,095 bytes, and a file being written needs its room, too.
    this.capabilities = { ...treeCapabilities, limits: { ...treeCapabilities.limits, keyBytes: Math.max(255, 4_000 - Buffer.byteLength(this.#root)) } };
    this.#hidden = hidden;
    this.#missing = missing;
    this.#links = links;
    this.#rootExists();
    this.#writer = new TreeWriter({ root: this.#root, name: this.#shown, host, hidden, case: casing, links, durable, concurrency: Math.max(1, concurrency), keyBytes: this.capabilities.limits.keyBytes });
  }

  async *scan({ signal, under }: ScanOptions = {}): AsyncGenerator<Page> {
    signal?.throwIfAborted();
    if (!this.#rootExists()) {
      if (this.#missing === 'empty') return;
      throw new SyncError('not-found', `${this.name} does not exist`, { store: this.name, hint: 'check the path' });
    }
    this.#writer.forget();
    this.#leftovers = [];
    try {
      yield* walk({
        root: this.#root, name: this.#shown, hidden: this.#hidden, links: this.#links, under, host: this.#host, signal,
        onLeftover: (path) => { if (this.#leftovers.length < limits.listedFailures) this.#leftovers.push(path); },
      });
    } catch (cause) {
      throw fileError(cause, 'list', this.name, { store: this.name });
    }
  }

  async read(refs: readonly Ref[], { signal }: CallOptions = {}): Promise<readonly (Entry | undefined)[]> {
    signal?.throwIfAborted();
    const parents = new Parents(this.#root);
    const budget = { bytes: heldBytes };
    const entries = refs.map(({ key }) => this.#tryRead(key, parents, budget));
    for (const [i, entry] of entries.entries()) {
      if (entry === 'restless') entries[i] = await this.#readAgain(refs[i]!.key, budget, signal);
    }
    return entries as readonly (Entry | undefined)[];
  }

  async write(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    signal?.throwIfAborted();
    this.#removeLeftovers();
    return this.#writer.write(batch, signal);
  }

  watch({ signal }: { readonly signal: AbortSignal }): AsyncIterable<readonly Hint[]> {
    return watchTree({ root: this.#root, name: this.name, hidden: this.#hidden, links: this.#links, host: this.#host, signal });
  }

  /** Tells a disk from the bare directory it is mounted on, and from another disk. */
  async fingerprint({ signal }: CallOptions = {}): Promise<string | undefined> {
    signal?.throwIfAborted();
    try {
      return this.#rootExists() ? mountOf(this.#root) : undefined;
    } catch (cause) {
      throw fileError(cause, 'look at', this.name, { store: this.name });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Reads a file that was changed while it was read, a few times more. */
  async #readAgain(key: Key, budget: { bytes: number }, signal: AbortSignal | undefined): Promise<Entry | undefined> {
    for (let attempt = 1; ; attempt++) {
      await this.#host.sleep(attempt * restlessMs, signal);
      const entry = this.#tryRead(key, new Parents(this.#root), attempt < restlessAttempts ? budget : { bytes: 0 });
      if (entry !== 'restless') return entry;
    }
  }

  #tryRead(key: Key, parents: Parents, budget: { bytes: number }): Entry | 'restless' | undefined {
    try {
      return this.#read(key, parents, budget);
    } catch (cause) {
      throw fileError(cause, 'read', below(this.#shown, key), { store: this.name, key });
    }
  }

  #read(key: Key, parents: Parents, budget: { bytes: number }): Entry | 'restless' | undefined {
    if (flawOf(key) !== undefined || (this.#hidden === 'skip' && isHidden(key))) return undefined;
    const above = parents.above(key);
    if (above !== 'directory' && !(above === 'link' && this.#links === 'follow' && directoriesTo(this.#root, parentOf(key)))) return undefined;
    const place = below(this.#shown, key);
    const found = this.#find(key);
    if (!found) return undefined;
    const { path, facts } = found;
    if (facts.isSymbolicLink()) return { key, place, ...statOfFile(facts), attributes: attributesOf(facts), content: heldBlob(readLink(path)) };
    // What was written to just now may be written to again, and is taken in one go, as a small file is.
    const isFresh = this.#host.now() - Number(facts.mtimeMs) < freshMs && facts.size <= budget.bytes;
    if ((facts.size > smallBytes && !isFresh) || budget.bytes <= 0) return { key, place, ...statOfFile(facts), attributes: attributesOf(facts), content: fileBlob(path, versionOf(facts)) };
    try {
      const whole = readWhole(path, facts);
      if (!whole) return undefined;
      budget.bytes -= whole.bytes.length;
      return { key, place, ...statOfFile(whole.facts), attributes: attributesOf(whole.facts), content: heldBlob(whole.bytes) };
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return undefined;
      if (cause instanceof SyncError && cause.code === 'conflict') return 'restless';
      // The entry is there; only whoever wants its content has to hear that it cannot be had.
      return { key, place, ...statOfFile(facts), attributes: attributesOf(facts), content: unreadableBlob(fileError(cause, 'read', place, { store: this.name, key })) };
    }
  }

  /** The file or link of an entry, and where it is when links to it are followed. */
  #find(key: Key): { readonly path: string; readonly facts: BigIntStats } | undefined {
    const path = below(this.#root, key);
    const facts = lookAt(path);
    if (!facts) return undefined;
    if (isEntry(facts, this.#links)) return { path, facts };
    if (!followsFiles(this.#links) || !facts.isSymbolicLink()) return undefined;
    const real = realPath(path);
    const behind = real === undefined ? undefined : lookAt(real);
    return real !== undefined && behind?.isFile() ? { path: real, facts: behind } : undefined;
  }

  #rootExists(): boolean {
    const kind = kindAt(this.#root);
    if (kind !== undefined && kind !== 'directory') throw new SyncError('invalid', `${this.name} is not a directory`, { store: this.name, hint: 'name a directory, a file that ends in .yaml, .yml, .json or .ndjson, or a database of SQLite as sqlite:path' });
    return kind === 'directory';
  }

  #removeLeftovers(): void {
    for (const path of this.#leftovers.splice(0)) {
      try {
        const facts = lookAt(path);
        if (facts?.isFile() && this.#host.now() - Number(facts.mtimeMs) > leftoverAgeMs) rmSync(path, { force: true });
      } catch (cause) {
        this.#host.log('warn', fileError(cause, 'remove the leftover', path).message);
      }
    }
  }
}
