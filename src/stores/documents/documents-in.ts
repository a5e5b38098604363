import { SeenSet } from '../../lib/seen-set.ts';
import { withoutContent } from '../../model/entry.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { compareKeys } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import type { CallOptions, Capabilities, Outcome, Page, Problem, ScanOptions, Store, Write } from '../../model/store.ts';
import { Directory, listDirectory, searchDirectory } from './directory.ts';
import { DocumentWriter } from './document-writer.ts';
import { DocumentFiles, unlike } from './files.ts';
import type { DocumentsOptions, Findings, Holder } from './files.ts';
import { placesOf, twinsOf } from './layout.ts';

/**
 * Any store of blobs as a store of documents, one in a file: `<type>/<id>.yaml` or `.json`. What is hidden, and what is
 * neither YAML nor JSON, is not seen. A file may have any name: what is in it says which document it is, and that
 * document is then read and written there.
 */
export function documentsIn(blobs: Store, options: DocumentsOptions): Store {
  return new DocumentsInBlobs(blobs, options);
}

class DocumentsInBlobs implements Store {
  readonly name: string;
  readonly identity: string;
  readonly capabilities: Capabilities;
  readonly #blobs: Store;
  readonly #options: DocumentsOptions;
  readonly #files: DocumentFiles;
  #directory: Promise<Directory> | undefined;

  constructor(blobs: Store, options: DocumentsOptions) {
    const { capabilities } = blobs;
    if (capabilities.holds !== 'blobs') throw new SyncError('invalid', `${blobs.name} holds documents already`);
    this.name = blobs.name;
    this.identity = blobs.identity;
    this.#blobs = blobs;
    this.#options = options;
    this.#files = new DocumentFiles(blobs, options);
    const enforcesVersions = capabilities.expects.includes('version');
    this.capabilities = {
      ...capabilities,
      holds: 'documents',
      order: 'none',
      enumerates: 'all',
      digests: ['document'],
      // That a file is older is checked by reading it, and holds as long as its version does.
      expects: capabilities.expects.filter((form) => form !== 'older' || enforcesVersions),
      limits: { ...capabilities.limits, keyBytes: capabilities.limits.keyBytes - '.yaml'.length },
    };
  }

  async *scan({ want = 'stat', signal }: ScanOptions = {}): AsyncGenerator<Page> {
    const directory = new Directory(this.#options.format);
    const seen = new SeenSet();
    const moved = new Set<string>();
    for await (const { entries: listed, problems: unlisted = [] } of this.#blobs.scan({ want: 'stat', ...(signal && { signal }) })) {
      const entries: Entry[] = [];
      const problems: Problem[] = [...unlisted];
      const holders = await this.#files.load(listed.map(({ key }) => key), signal);
      const doubled = await this.#doubled(holders, listed, signal);
      for (const { named: file, entry: found, error } of holders) {
        const entry = (error ? undefined : doubled.get(found.key)) ?? found;
        const place = found.place ?? file.path;
        if (error) problems.push({ place, error });
        else {
          const other = directory.misplaced.get(entry.key) ?? placesOf(entry.key, this.#options.format).find((path) => path !== file.path && !moved.has(path) && seen.has(path));
          if (other !== undefined) problems.push({ place, error: this.#collision(found, other) });
          else entries.push(want === 'content' ? entry : withoutContent(entry));
          if (entry.key !== file.key) moved.add(file.path);
          // Of two files the one that was yielded is the one to be read later.
          if (other !== undefined && !doubled.has(entry.key)) directory.misplaced.set(entry.key, other);
          else if (other === undefined && entry.key !== file.key) directory.misplaced.set(entry.key, file.path);
        }
        directory.add(file.path);
        seen.add(file.path);
      }
      if (entries.length > 0 || problems.length > 0) yield problems.length > 0 ? { entries, problems } : { entries };
    }
    this.#directory = Promise.resolve(directory);
  }

  async read(refs: readonly Ref[], { signal }: CallOptions = {}): Promise<readonly (Entry | undefined)[]> {
    signal?.throwIfAborted();
    const { holders } = await this.#find(refs.map(({ key }) => key), signal);
    return holders.map(([first, second]) => (first && second ? inDisorder(first.entry) : first?.entry));
  }

  async write(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    signal?.throwIfAborted();
    const { format, schema, host } = this.#options;
    const directory = await this.#known(signal);
    const find = (keys: readonly Key[]): Promise<Findings> => this.#find(keys, signal);
    const writer = new DocumentWriter({ blobs: this.#blobs, format, schema, host, directory, capabilities: this.capabilities, find, load: (paths) => this.#files.load(paths, signal) });
    return writer.write(batch, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#blobs[Symbol.asyncDispose]();
  }

  /** The files that hold each key, the one that counts first, and all files that were looked into. One that cannot be read holds what its name says. */
  async #find(keys: readonly Key[], signal: AbortSignal | undefined): Promise<Findings> {
    const directory = await this.#known(signal);
    const found = await this.#look(keys, directory, signal);
    if (directory.searched || found.holders.every((holders) => holders.length > 0)) return found;
    // A document that is not where its key says may be in a file of any name. Taken for new it would be there twice.
    await searchDirectory(directory, this.#blobs, this.#files, signal);
    return this.#look(keys, directory, signal);
  }

  async #look(keys: readonly Key[], directory: Directory, signal: AbortSignal | undefined): Promise<Findings> {
    const places = keys.map((key) => directory.placesOf(key));
    const looked = [...new Set(places.flat())];
    const files = new Map<string, Holder | undefined>(looked.map((path) => [path, undefined]));
    for (const holder of await this.#files.load(looked, signal)) files.set(holder.named.path, holder);
    const holders = keys.map((key, i) => places[i]!.flatMap((path) => {
      const holder = files.get(path);
      return holder?.entry.key === key ? [holder] : [];
    }));
    return { holders, files };
  }

  /** Of documents that have files of two formats the one that counts, where asking for the other costs little. */
  async #doubled(holders: readonly Holder[], listed: readonly Entry[], signal: AbortSignal | undefined): Promise<ReadonlyMap<Key, Entry>> {
    const doubled = new Map<Key, Entry>();
    const { reads, order } = this.#blobs.capabilities;
    if (reads !== 'cheap' || listed.length === 0) return doubled;
    const { format } = this.#options;
    const [first, last] = [listed[0]!.key, listed.at(-1)!.key];
    const here = new Set(listed.map(({ key }) => key));
    // Within a listing in order, only what lies beyond this page has to be asked for.
    const mayExist = (path: string): boolean => here.has(path) || order !== 'key' || compareKeys(path, first) < 0 || compareKeys(path, last) > 0;
    const twins = holders.flatMap(({ named: file }) => (file.key === undefined ? [] : twinsOf(file).filter(mayExist)));
    for (const { named: { key } } of await this.#files.load(twins, signal)) {
      const [one, other] = key === undefined ? [] : (await this.#files.load(placesOf(key, format), signal)).filter(({ entry, error }) => !error && entry.key === key);
      if (one && other) doubled.set(one.entry.key, inDisorder(one.entry));
    }
    return doubled;
  }

  #known(signal: AbortSignal | undefined): Promise<Directory> {
    this.#directory ??= listDirectory(this.#blobs, this.#files, this.#options.format, signal).catch((error: unknown) => {
      this.#directory = undefined;
      throw error;
    });
    return this.#directory;
  }

  #collision({ key, place }: Entry, other: string): SyncError {
    return new SyncError('invalid', `${place ?? key} holds ${key}, which ${this.name}/${other} holds already`, { store: this.name, key, hint: 'remove one of the files' });
  }
}

/** A document with two files is not in order, whatever they hold: equal to nothing it is put right. */
function inDisorder(entry: Entry): Entry {
  return entry.digest ? { ...entry, digest: unlike(entry.digest) } : entry;
}
