import { tmpdir } from 'node:os';
import type { Extent, TempFile } from '../../lib/temp-file.ts';
import { SyncError } from '../../model/errors.ts';

/** Adds bytes to a temporary file; throws `unavailable` with a sentence where there is no room for them, or no place. */
export function putAside(file: TempFile, bytes: Uint8Array): Extent {
  try {
    return file.append(bytes);
  } catch (cause) {
    throw new SyncError('unavailable', `cannot put aside in ${tmpdir()} what does not fit into memory (${cause instanceof Error ? cause.message : String(cause)})`, { cause, hint: 'make room there, or name another folder with TMPDIR' });
  }
}
