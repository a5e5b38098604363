import { SeenSet } from '../../lib/seen-set.ts';
import type { Key } from '../../model/key.ts';
import type { Store } from '../../model/store.ts';
import type { DocumentFiles } from './files.ts';
import { isRegular, named, placesOf } from './layout.ts';
import type { Format } from './layout.ts';

/** What is known of the files without looking into them again: little for each, except for those that are not where their names say. */
export class Directory {
  readonly #format: Format;
  /** Every document file there is or was, but those of the format that is written: where one of them would be is always looked at. */
  readonly #others: SeenSet = new SeenSet();
  /** Where documents are that are not where their keys say. */
  readonly misplaced: Map<Key, string> = new Map();
  /** Whether every file was looked into, so that a document which is not where its key says is in {@link misplaced}. */
  searched = true;

  constructor(format: Format) {
    this.#format = format;
  }

  /** Notes a file that is there. */
  add(path: string): void {
    if (!path.endsWith(`.${this.#format}`)) this.#others.add(path);
  }

  /** The files that may hold the document of `key`, the likeliest first. A file of that very name may be new and is always among them. */
  placesOf(key: Key): readonly string[] {
    const [first, ...others] = placesOf(key, this.#format);
    const elsewhere = this.misplaced.get(key);
    const places = first === undefined ? [] : [first, ...others.filter((path) => this.#others.has(path))];
    return elsewhere === undefined ? places : [elsewhere, ...places.filter((path) => path !== elsewhere)];
  }
}

/** Lists the files, and looks into those that are not where documents usually are. */
export async function listDirectory(blobs: Store, files: DocumentFiles, format: Format, signal: AbortSignal | undefined): Promise<Directory> {
  const directory = new Directory(format);
  for await (const { entries } of blobs.scan({ want: 'stat', ...(signal && { signal }) })) {
    const irregular: string[] = [];
    for (const { key: path } of entries) {
      const file = named(path);
      if (!file) continue;
      directory.add(path);
      if (isRegular(file)) directory.searched = false;
      else irregular.push(path);
    }
    await noteMisplaced(irregular, directory, files, signal);
  }
  return directory;
}

/** Looks into every file for documents that are not where their keys say. */
export async function searchDirectory(directory: Directory, blobs: Store, files: DocumentFiles, signal: AbortSignal | undefined): Promise<void> {
  for await (const { entries } of blobs.scan({ want: 'stat', ...(signal && { signal }) })) {
    await noteMisplaced(entries.map(({ key }) => key), directory, files, signal);
  }
  directory.searched = true;
}

async function noteMisplaced(paths: readonly string[], directory: Directory, files: DocumentFiles, signal: AbortSignal | undefined): Promise<void> {
  for (const { named: file, entry, error } of await files.load(paths, signal)) {
    if (!error && entry.key !== file.key && !directory.misplaced.has(entry.key)) directory.misplaced.set(entry.key, file.path);
  }
}
