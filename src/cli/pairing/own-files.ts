import { sep } from 'node:path';
import type { Key } from '../../model/key.ts';
import { canonicalPath } from '../../stores/tree/paths.ts';

/** What a database in a file keeps beside it while it is open. */
const besides = ['', '-wal', '-shm', '-journal'];

/** The files in which a run remembers things, where that is kept in a file. */
export function stateFiles(path: string | undefined): readonly string[] {
  return path === undefined ? [] : besides.map((beside) => canonicalPath(path) + beside);
}

/**
 * The keys of files that a run writes itself and that lie in one of its own directories. They change whenever something
 * is mirrored, so they can be no part of what is.
 */
export function ownKeys(files: readonly string[], places: readonly { readonly identity: string }[]): ReadonlySet<Key> {
  const keys = new Set<Key>();
  for (const { identity } of places) {
    const root = identity.startsWith('tree:') ? `${identity.slice('tree:'.length).replace(/[\\/]$/, '')}${sep}` : undefined;
    for (const file of files) if (root !== undefined && file.startsWith(root)) keys.add(file.slice(root.length).replaceAll(sep, '/'));
  }
  return keys;
}
