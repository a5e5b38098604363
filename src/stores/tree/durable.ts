import { closeSync, constants, fchmodSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Limit } from '../../lib/limit.ts';
import type { Key } from '../../model/key.ts';
import { codeOf } from './file-error.ts';

/** Directories forced to the disk at once. */
const atOnce = 16;

/** Changes the permission bits of the file at `path`, and of nothing that a link there leads to. Throws system errors. */
export function setMode(path: string, mode: number): void {
  const file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    fchmodSync(file, mode);
  } finally {
    closeSync(file);
  }
}

/** Forces the names in directories to the disk, and answers with what went wrong for which. */
export async function syncDirectories(root: string, directories: Iterable<Key>): Promise<ReadonlyMap<Key, unknown>> {
  const failed = new Map<Key, unknown>();
  // Windows opens no directories, and writes names by itself.
  if (sep === '\\') return failed;
  const limit = new Limit(atOnce);
  for (const directory of new Set(directories)) await limit.add(async () => {
    try {
      await using file = await open(join(root, directory), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
      await file.sync();
    } catch (cause) {
      // A directory that is gone has nothing to keep, one that may not be read cannot be helped, and some file systems do not take the request.
      if (!['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EBADF'].includes(codeOf(cause) ?? '')) failed.set(directory, cause);
    }
  });
  await limit.drain();
  return failed;
}
