import { SyncError, toSyncError } from '../../model/errors.ts';
import type { FailureCode, SyncErrorDetails } from '../../model/errors.ts';
import { wasCut } from '../records/connecting.ts';

/** What a server says of a request, by the numbers of the protocol. */
const answers: { readonly [code: number]: readonly [code: FailureCode, hint: string] } = {
  0x0000: ['unavailable', 'see what the server logs, and run again'],
  0x0100: ['denied', 'set the user by the option user, and CASSANDRA_PASSWORD'],
  0x1000: ['unavailable', 'see whether enough nodes are up for this consistency, and run again'],
  0x1001: ['throttled', 'run again when there is less to do, lower the option concurrency, or have it waited for longer by the option patienceMs'],
  0x1002: ['unavailable', 'run again when the node has started'],
  0x1003: ['unavailable', 'see what the server logs, and run again'],
  0x1100: ['unavailable', 'see whether the nodes are overloaded, and run again'],
  0x1200: ['unavailable', 'see whether the nodes are overloaded, and run again'],
  0x1300: ['unavailable', 'see what the servers log, and run again'],
  0x1400: ['unavailable', 'see what the servers log, and run again'],
  0x1500: ['unavailable', 'see what the servers log, and run again'],
  0x1700: ['unavailable', 'run again'],
  0x2000: ['internal', 'report this'],
  0x2100: ['denied', 'grant the user what it takes: SELECT and MODIFY on the keyspace, and CREATE where tables are to be made'],
  0x2200: ['invalid', 'see whether the table was changed meanwhile'],
  0x2300: ['invalid', 'see the settings of the keyspace'],
};

const [overloaded, bootstrapping, writeTimeout, readTimeout] = [0x1001, 0x1002, 0x1100, 0x1200];
/** Answers of a node that is alive, and did nothing of what it was asked. */
const busy: ReadonlySet<number | undefined> = new Set([overloaded, bootstrapping]);
/** Answers of a node that is alive, for others that were too slow: nobody knows what was done. */
const slow: ReadonlySet<number | undefined> = new Set([writeTimeout, readTimeout]);

/** Whether the servers have too much to do, and did nothing. */
export function isBusy(cause: unknown): boolean {
  return isAnswered(cause, busy);
}

/** Whether the servers have too much to do, whatever was done of it. */
export function isSlow(cause: unknown): boolean {
  return isAnswered(cause, busy) || isAnswered(cause, slow);
}

function isAnswered(cause: unknown, codes: ReadonlySet<number | undefined>): boolean {
  if (!(cause instanceof Error)) return false;
  // The driver asks every host before it gives up, and one that is up is enough.
  const { innerErrors = {} } = cause as { readonly innerErrors?: { readonly [host: string]: unknown } };
  return codes.has(codeOf(cause)) || Object.values(innerErrors).some((inner) => inner instanceof Error && codes.has(codeOf(inner)));
}

/** Answers after which it is certain that nothing was written. */
const refusals: ReadonlySet<number> = new Set([0x0100, 0x1000, 0x1001, 0x1002, 0x2000, 0x2100, 0x2200, 0x2300, 0x2400]);

/** The error of a write that was tried again and still failed: what is not known of it is said. */
export function undecided(error: SyncError, cause: unknown): SyncError {
  const code = cause instanceof Error ? codeOf(cause) : undefined;
  const refused = code === undefined ? cause instanceof Error && nameOf(cause) === 'NoHostAvailableError' : refusals.has(code);
  return refused ? error : new SyncError(error.code, `${error.message}; nobody said whether it was done`, { ...error.details, hint: 'run again: what was written will be found' });
}

/** Whether connecting failed for a reason that passes by itself: the connection was cut or timed out, or the node is about to be up. */
export function passesSoon(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  if (cause instanceof SyncError) return cause.retryable && passesSoon(cause.cause);
  const name = nameOf(cause);
  if (name === 'NoHostAvailableError') {
    const { innerErrors = {}, message } = cause as Error & { readonly innerErrors?: { readonly [host: string]: unknown } };
    const reasons = Object.values(innerErrors);
    // A host that answered and was lost since is none that could be asked.
    return reasons.length === 0 ? !/resolved/.test(message) : reasons.some(passesSoon);
  }
  return wasCut(cause) || name === 'OperationTimedOutError' || codeOf(cause) === bootstrapping || (name === 'DriverError' && /closed|timeout/i.test(cause.message));
}

/** What the driver or the server said about `what`, as a sentence: `cannot <what>: <why>`. */
export function cassandraError(cause: unknown, what: string, details: SyncErrorDetails = {}): SyncError {
  if (cause instanceof SyncError || !(cause instanceof Error) || cause.name === 'AbortError') return toSyncError(cause, details);
  const name = nameOf(cause);
  if (name === 'NoHostAvailableError') return unreachable(cause, what, details);
  if (name === 'AuthenticationError') return denied(cause, what, details);
  const known = answers[codeOf(cause) ?? -1];
  if (known) return new SyncError(known[0], `cannot ${what}: ${firstLine(cause)}`, { cause, hint: known[1], ...details });
  if (name === 'ArgumentError') return new SyncError('invalid', `cannot ${what}: ${firstLine(cause)}`, { cause, hint: 'check the option localDataCenter', ...details });
  // What is left are time-outs of the driver and connections that broke.
  return new SyncError('unavailable', `cannot ${what}: ${firstLine(cause)}`, { cause, hint: 'see whether the servers are up, and run again', ...details });
}

function unreachable(cause: Error, what: string, details: SyncErrorDetails): SyncError {
  const { innerErrors = {} } = cause as { readonly innerErrors?: { readonly [host: string]: unknown } };
  // The driver asks hosts in any order.
  const reasons = Object.entries(innerErrors).sort(([a], [b]) => (a < b ? -1 : 1));
  const denial = reasons.find(([, reason]) => reason instanceof Error && (nameOf(reason) === 'AuthenticationError' || codeOf(reason) === 0x0100));
  if (denial) return denied(denial[1] as Error, what, details);
  const misuse = reasons.find(([, reason]) => reason instanceof Error && nameOf(reason) === 'ArgumentError');
  if (misuse) return cassandraError(misuse[1], what, details);
  // An answer of the server says more than that no host gave another.
  const answer = reasons.find(([, reason]) => reason instanceof Error && answers[codeOf(reason) ?? -1])?.[1];
  if (answer !== undefined) return cassandraError(answer, what, details);
  const hosts = reasons.map(([host]) => host).join(', ');
  const first = reasons[0]?.[1];
  const why = hosts === '' ? 'no host is up' : `${hosts} ${reasons.length === 1 ? 'does' : 'do'} not answer (${first instanceof Error ? firstLine(first) : String(first)})`;
  return new SyncError('unavailable', `cannot ${what}: ${why}`, { cause, hint: 'see whether the servers are up, and whether they want TLS (option tls)', ...details });
}

function denied(cause: Error, what: string, details: SyncErrorDetails): SyncError {
  return new SyncError('denied', `cannot ${what}: ${firstLine(cause)}`, { cause, hint: 'set the user by the option user, and CASSANDRA_PASSWORD', ...details });
}

function codeOf(cause: Error): number | undefined {
  const { code } = cause as { readonly code?: unknown };
  return typeof code === 'number' ? code : undefined;
}

/** The driver names its errors by their constructors alone. */
function nameOf(cause: Error): string {
  return cause.constructor.name;
}

function firstLine({ message }: Error): string {
  return message.split('\n')[0]!.replace(/\.$/, '');
}
