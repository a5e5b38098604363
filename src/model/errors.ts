import type { Key } from './key.ts';

/** Every way we fail. */
export type FailureCode =
  | 'invalid' | 'unsupported' | 'not-found' | 'denied' | 'guarded' | 'conflict'
  | 'cursor-expired' | 'corrupt' | 'throttled' | 'unavailable' | 'interrupted' | 'internal';

/** Whether waiting helps, what the process exits with, what the service answers. */
export interface Failure {
  readonly retry: boolean;
  readonly exit: number;
  readonly status: number;
}

/** The one table from code to retry, exit status and HTTP status. */
export const failures: { readonly [code in FailureCode]: Failure } = {
  'invalid': { retry: false, exit: 2, status: 400 },
  'unsupported': { retry: false, exit: 2, status: 422 },
  'not-found': { retry: false, exit: 3, status: 404 },
  'denied': { retry: false, exit: 3, status: 403 },
  'guarded': { retry: false, exit: 4, status: 409 },
  'conflict': { retry: false, exit: 1, status: 409 },
  'cursor-expired': { retry: false, exit: 1, status: 410 },
  'corrupt': { retry: false, exit: 2, status: 422 },
  'throttled': { retry: true, exit: 3, status: 429 },
  'unavailable': { retry: true, exit: 3, status: 503 },
  'interrupted': { retry: false, exit: 130, status: 499 },
  'internal': { retry: false, exit: 1, status: 500 },
};

/** What an error knows beside its sentence. */
export interface SyncErrorDetails {
  readonly cause?: unknown;
  /** The store's printable name. */
  readonly store?: string;
  readonly key?: Key;
  /** What the reader can do about it, as an imperative without a full stop. */
  readonly hint?: string;
  /** Milliseconds the other side asked us to wait. */
  readonly retryAfterMs?: number;
  /** How often a store that retries by itself has tried; the engine then does not try again. */
  readonly attempts?: number;
  /** An entry that this one refers to is not there yet, or one that refers to it is still there: worth another try when the others are done. */
  readonly unmet?: true;
  /** Another entry has a value that only one may have, and may be about to give it up: worth another try when the others are done. */
  readonly taken?: true;
  /** What a run did before it was refused: a `Report`. */
  readonly report?: object;
}

/** The only error we throw on purpose. Its message is a sentence fit to print: what failed, on what; no secrets. */
export class SyncError extends Error {
  override readonly name = 'SyncError';
  readonly code: FailureCode;
  readonly details: SyncErrorDetails;
  constructor(code: FailureCode, message: string, details: SyncErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.details = details;
  }
  get retryable(): boolean {
    return failures[this.code].retry;
  }
  /** The message and what to do about it, as one line. */
  get sentence(): string {
    return this.details.hint === undefined ? this.message : `${this.message}: ${this.details.hint}`;
  }
}

/** `cause` as a {@link SyncError}: itself if it is one, else an `internal` one around it. An abort becomes `interrupted`. Of what failed and what failed while that was tidied up, the first counts. */
export function toSyncError(cause: unknown, details: SyncErrorDetails = {}): SyncError {
  if (cause instanceof SyncError) return cause;
  if (cause instanceof SuppressedError) return toSyncError(cause.suppressed, details);
  if (cause instanceof Error && cause.name === 'AbortError') return new SyncError('interrupted', 'interrupted', { cause, ...details });
  return new SyncError('internal', cause instanceof Error ? cause.message : String(cause), { cause, ...details });
}
