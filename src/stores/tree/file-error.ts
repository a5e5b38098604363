import { SyncError, toSyncError } from '../../model/errors.ts';
import type { FailureCode, SyncErrorDetails } from '../../model/errors.ts';

const reasons: { readonly [code: string]: readonly [code: FailureCode, reason: string, hint?: string] } = {
  ENOENT: ['not-found', 'it does not exist', 'check the path'],
  EACCES: ['denied', 'permission denied', 'check its owner and mode, and those of the directories above it'],
  EPERM: ['denied', 'the operation is not permitted', 'check its owner, mode and attributes'],
  EROFS: ['denied', 'the file system is read-only', 'mount it for writing or choose another place'],
  ENOSPC: ['unavailable', 'no space is left on the device', 'free some space and run again'],
  EDQUOT: ['unavailable', 'the disk quota is used up', 'free some space and run again'],
  EFBIG: ['unavailable', 'the file would be larger than is allowed', 'raise the limit for file sizes'],
  EMFILE: ['unavailable', 'too many files are open', 'raise the limit for open files (ulimit -n)'],
  ENFILE: ['unavailable', 'too many files are open on this machine', 'close some programs and run again'],
  EIO: ['unavailable', 'the device reported an error', 'check the disk'],
  ENAMETOOLONG: ['invalid', 'the name is too long for this file system', 'choose a shorter name'],
  ENOTDIR: ['invalid', 'a file is where a directory is needed', 'move the file away'],
  EISDIR: ['invalid', 'a directory is where a file is needed', 'move the directory away'],
  ELOOP: ['invalid', 'a symbolic link is in the way', 'replace the link by what it leads to'],
  EINVAL: ['invalid', 'the file system does not take this name', 'choose another name'],
  EILSEQ: ['invalid', 'the file system does not take this name', 'choose another name'],
  EBUSY: ['unavailable', 'it is in use', 'close what uses it and run again'],
};

/** What the operating system said about `path`, as a sentence: `cannot <doing> <path>: <why>`. */
export function fileError(cause: unknown, doing: string, path: string, details: SyncErrorDetails = {}): SyncError {
  if (cause instanceof SyncError) return cause;
  const code = codeOf(cause);
  if (code === undefined) return toSyncError(cause, details);
  const [failure, reason, hint] = reasons[code] ?? (['unavailable', code] as const);
  return new SyncError(failure, `cannot ${doing} ${path}: ${reason}`, { cause, ...details, ...(hint === undefined ? {} : { hint }) });
}

/** The `E…` code of a system error. */
export function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && cause.code.startsWith('E') && 'syscall' in cause ? cause.code : undefined;
}
