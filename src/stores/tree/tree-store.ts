import { rmSync } from 'node:fs';
import { normalize } from 'node:path';
import { limits } from '../../lib/limits.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Key } from '../../model/key.ts';
import type { CallOptions, Capabilities, Outcome, Page, ScanOptions, Store, Write } from '../../model/store.ts';
import { fileBlob, heldBlob, readWhole, smallBytes, unreadableBlob } from './blob.ts';
import { lookAt, statOfFile, versionOf } from './facts.ts';
import { codeOf, fileError } from './file-error.ts';
import { below, canonicalPath, flawOf, isHidden, kindAt, Parents } from './paths.ts';
import { walk } from './walk.ts';
import { TreeWriter } from './writer.ts';

export interface TreeOptions {
  /** Whether files and directories whose names begin with a dot are part of the tree. */
  readonly hidden?: 'include' | 'skip';
  /** Whether names that differ only in case are one name. `auto`: as the file system has it. */
  readonly case?: 'auto' | 'sensitive' | 'insensitive';
  /** What a directory that does not exist is: refused when it is read, or empty, as a target is before the first run. Writing makes it. */
  readonly missing?: 'refuse' | 'empty';
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

/** A draft this old belongs to no run. */
const leftoverAgeMs = 24 * 60 * 60 * 1_000;

/**
 * A directory as a store of blobs: keys are paths relative to it. Nothing outside it is read or written: symbolic links
 * and special files are passed over. Every write is atomic. A file that already holds what is to be written is not
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
  readonly #writer: TreeWriter;
  #leftovers: string[] = [];

  /** Throws `invalid` when `root` is a file. */
  constructor(root: string, host: Host, { hidden = 'include', case: casing = 'auto', missing = 'refuse' }: TreeOptions = {}) {
    this.name = root;
    this.#shown = normalize(root);
    this.#root = canonicalPath(root);
    this.identity = `tree:${this.#root}`;
    this.#host = host;
    // Linux takes paths of 4,095 bytes, and a file being written needs its room, too.
    this.capabilities = { ...treeCapabilities, limits: { ...treeCapabilities.limits, keyBytes: Math.max(255, 4_000 - Buffer.byteLength(this.#root)) } };
    this.#hidden = hidden;
    this.#missing = missing;
    this.#rootExists();
    this.#writer = new TreeWriter({ root: this.#root, name: this.#shown, host, hidden, case: casing, keyBytes: this.capabilities.limits.keyBytes });
  }

  async *scan({ signal }: ScanOptions = {}): AsyncGenerator<Page> {
    signal?.throwIfAborted();
    if (!this.#rootExists()) {
      if (this.#missing === 'empty') return;
      throw new SyncError('not-found', `${this.name} does not exist`, { store: this.name, hint: 'check the path' });
    }
    this.#writer.forget();
    this.#leftovers = [];
    try {
      yield* walk({
        root: this.#root, name: this.#shown, hidden: this.#hidden, host: this.#host, signal,
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
    return refs.map(({ key }) => {
      try {
        return this.#read(key, parents, budget);
      } catch (cause) {
        throw fileError(cause, 'read', below(this.#shown, key), { store: this.name, key });
      }
    });
  }

  async write(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    signal?.throwIfAborted();
    this.#removeLeftovers();
    return this.#writer.write(batch, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #read(key: Key, parents: Parents, budget: { bytes: number }): Entry | undefined {
    if (flawOf(key) !== undefined || (this.#hidden === 'skip' && isHidden(key))) return undefined;
    if (parents.above(key) !== 'directory') return undefined;
    const path = below(this.#root, key);
    const facts = lookAt(path);
    if (!facts?.isFile()) return undefined;
    const place = below(this.#shown, key);
    if (facts.size > smallBytes || budget.bytes <= 0) return { key, place, ...statOfFile(facts), content: fileBlob(path, versionOf(facts)) };
    try {
      const whole = readWhole(path, facts);
      if (!whole) return undefined;
      budget.bytes -= whole.bytes.length;
      return { key, place, ...statOfFile(whole.facts), content: heldBlob(whole.bytes) };
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return undefined;
      // The entry is there; only whoever wants its content has to hear that it cannot be had.
      return { key, place, ...statOfFile(facts), content: unreadableBlob(fileError(cause, 'read', place, { store: this.name, key })) };
    }
  }

  #rootExists(): boolean {
    const kind = kindAt(this.#root);
    if (kind !== undefined && kind !== 'directory') throw new SyncError('invalid', `${this.name} is not a directory`, { store: this.name, hint: 'name a directory, or a file that ends in .yaml, .yml, .json or .ndjson' });
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
