import { SyncError } from '../../model/errors.ts';
import { decodeName, encodeName } from '../../lib/encode-name.ts';
import { joinKey, splitKey } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';

/** The formats a document may be kept in. */
export type Format = 'yaml' | 'json';

/** What the name of a blob says about the document in it. */
export interface Named {
  readonly path: string;
  readonly format: Format;
  /** The path without its extension. */
  readonly stem: string;
  readonly extension: Extension;
  /** The key whose documents are kept under this name; `undefined` where there is none. */
  readonly key: Key | undefined;
}

type Extension = '.yaml' | '.yml' | '.json';

const formats: { readonly [extension in Extension]: Format } = { '.yaml': 'yaml', '.yml': 'yaml', '.json': 'json' };
const extensions = Object.keys(formats) as readonly Extension[];

/** What `path` says; `undefined` for hidden files, files in hidden directories, and files that are no documents. */
export function named(path: string): Named | undefined {
  const extension = path.endsWith('.yaml') ? '.yaml' : path.endsWith('.json') ? '.json' : path.endsWith('.yml') ? '.yml' : undefined;
  if (extension === undefined || path.startsWith('.') || path.includes('/.')) return undefined;
  const stem = path.slice(0, -extension.length);
  return { path, format: formats[extension], stem, extension, key: keyOf(stem) };
}

function keyOf(stem: string): Key | undefined {
  const parts: string[] = [];
  for (const name of stem.split('/')) {
    const part = decodeName(name);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return joinKey(parts);
}

/** Where the document of `key` belongs. Throws `invalid` where it can have no place. */
export function pathOf(key: Key, format: Format): string {
  return `${stemOf(key)}.${format}`;
}

/** Every place where the document of `key` may be found by its name, the one for `format` first; none where the key can have no place. */
export function placesOf(key: Key, format: Format): readonly string[] {
  let stem: string;
  try {
    stem = stemOf(key);
  } catch {
    return [];
  }
  const [first] = [`.${format}` as Extension];
  return [stem + first, ...extensions.filter((extension) => extension !== first).map((extension) => stem + extension)];
}

/** Where the same document would be in another format. */
export function twinsOf({ stem, extension }: Named): readonly string[] {
  return extensions.filter((other) => other !== extension).map((other) => stem + other);
}

/** Whether a document of a schema may well be where its name says: in a directory of its type. */
export function isRegular({ stem, key }: Named): boolean {
  const slash = stem.indexOf('/');
  return key !== undefined && slash > 0 && !stem.includes('/', slash + 1);
}

function stemOf(key: Key): string {
  try {
    if (key === '') throw new RangeError('an empty key cannot be a file name');
    return splitKey(key).map(encodeName).join('/');
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new SyncError('invalid', `${JSON.stringify(key.slice(0, 100))} cannot be kept as a file: ${error.message}`, { cause: error, key, hint: 'give the resource another id' });
  }
}
