import { SyncError, toSyncError } from '../../model/errors.ts';
import type { FailureCode, SyncErrorDetails } from '../../model/errors.ts';

/** What the protocol says of a request, by its number. */
export const status = { end: 1, missing: 2, denied: 3, failure: 4, badMessage: 5, unsupported: 8 } as const;

/** The server's answer that it did not do what was asked for. */
export class Refusal extends Error {
  readonly status: number;
  constructor(code: number, said: string) {
    super(said);
    this.status = code;
  }
}

/** The connection ended before the answer came: nobody knows whether what was asked for was done. */
export class Dropped extends Error {}

/** The server could not be reached, however often it was tried. */
export class Unreachable extends Dropped {
  readonly attempts: number;
  constructor(message: string, attempts: number) {
    super(message);
    this.attempts = attempts;
  }
}

/** Whether the server said that there is no such thing. */
export function isMissing(cause: unknown): boolean {
  return cause instanceof Refusal && cause.status === status.missing;
}

/** Whether the server said no without a reason, as it does when a name is taken. */
export function isFailure(cause: unknown): boolean {
  return cause instanceof Refusal && cause.status === status.failure;
}

const reasons: { readonly [code: number]: readonly [code: FailureCode, reason: string, hint: string] } = {
  [status.missing]: ['not-found', 'it does not exist', 'check the path'],
  [status.denied]: ['denied', 'permission denied', 'check its owner and mode on the server, and those of the directories above it'],
  [status.badMessage]: ['invalid', 'the server does not take this name', 'choose another, shorter name'],
  [status.unsupported]: ['unsupported', 'the server cannot do this', 'use another server, or another option'],
};

/** What the server or the connection said about `place`, as a sentence: `cannot <doing> <place>: <why>`. */
export function sftpError(cause: unknown, doing: string, place: string, details: SyncErrorDetails = {}): SyncError {
  if (cause instanceof SyncError) return cause;
  const what = `cannot ${doing} ${place}`;
  if (cause instanceof Refusal) {
    const [code, reason, hint] = reasons[cause.status] ?? ['unavailable', 'the server did not say why', 'see whether its disk is full or something else is in the way'];
    return new SyncError(code, `${what}: ${reason}`, { cause, hint, ...details });
  }
  if (cause instanceof Dropped) return new SyncError('unavailable', `${what}: ${cause.message}`, { cause, hint: 'see whether the server is up, and run again', ...details });
  return toSyncError(cause, details);
}
