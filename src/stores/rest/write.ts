import { SyncError } from '../../model/errors.ts';
import type { RestContext, RestWriter } from './context.ts';

/** The writing half of the REST store at `context`. */
export function restWriter({ name }: RestContext): RestWriter {
  return {
    write: () => Promise.reject(new SyncError('unsupported', `${name} cannot be written yet`, { store: name })),
  };
}
