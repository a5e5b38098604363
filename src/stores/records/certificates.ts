import { readFileSync } from 'node:fs';
import { SyncError } from '../../model/errors.ts';

/** The text of a file of certificates or of a key. Throws `invalid` with a sentence where it cannot be read. */
export function certificatesIn(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new SyncError('invalid', `${path} cannot be read`, { cause, hint: 'check its path and permissions' });
  }
}
