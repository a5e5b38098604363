import { SyncError, toSyncError } from '../../../model/errors.ts';
import type { FailureCode } from '../../../model/errors.ts';
import { wasCut } from '../../records/connecting.ts';
import { grantHint, privileges } from '../granting.ts';
import type { Wanted } from '../granting.ts';
import { distrusted, unreachable } from '../unreachable.ts';
import { quoted } from './catalog.ts';

/** What the server says by its numbers, and what to do about it. */
const reasons: { readonly [number: number]: readonly [code: FailureCode, hint: string] } = {
  1044: ['denied', 'have the right granted, or connect as another user'],
  1045: ['denied', 'check the user, MYSQL_PWD or ~/.my.cnf, and whether this user has to come by TLS'],
  1698: ['denied', 'check the user, and MYSQL_PWD or ~/.my.cnf'],
  1049: ['not-found', 'check the name of the database'],
  1142: ['denied', 'have the right granted, or connect as another user'],
  1143: ['denied', 'have the right granted, or connect as another user'],
  1146: ['not-found', 'see whether the table was dropped meanwhile, and run again'],
  1054: ['not-found', 'see whether the table was changed meanwhile, and run again'],
  1040: ['throttled', 'wait until others have disconnected, or raise max_connections'],
  1203: ['throttled', 'wait until others have disconnected'],
  1205: ['unavailable', 'let the transaction that holds the row end, and run again'],
  1213: ['unavailable', 'run again'],
  1053: ['unavailable', 'see whether the server is shutting down, and run again'],
  1927: ['unavailable', 'see whether the server is up, and run again'],
  1290: ['denied', 'connect to the server that takes writes'],
  1836: ['denied', 'connect to the server that takes writes'],
  1114: ['unavailable', 'see whether its disk is full'],
  1021: ['unavailable', 'see whether its disk is full'],
  3159: ['denied', 'write tls=require'],
  1153: ['invalid', 'raise max_allowed_packet'],
};

const network = /^(?:ECONN|ENOTFOUND|ETIMEDOUT|EPIPE|EHOST|ENET|EAI_|ENOENT|EACCES|PROTOCOL_)/;

/** What was refused, and where. */
export interface Refused {
  readonly database?: string | undefined;
  readonly wanted?: Wanted | undefined;
}

/** What went wrong, as a sentence that begins with what was being done. */
export function mysqlError(cause: unknown, doing: string, refused: Refused = {}): SyncError {
  if (cause instanceof SyncError || !(cause instanceof Error) || cause.name === 'AbortError') return toSyncError(cause);
  const number = numberOf(cause);
  const code = codeOf(cause);
  const said = cause instanceof AggregateError ? (cause.errors as readonly Error[]).map(({ message }) => message).join(', ') : cause.message;
  if (number !== undefined) {
    const [kind, usual] = reasons[number] ?? ['invalid', 'change the value, or the table'];
    const hint = [1044, 1142, 1143].includes(number) ? hintOfGrant(said, refused) ?? usual : usual;
    return new SyncError(kind, `${doing}: ${said}`, { cause, hint, ...([1216, 1217, 1451, 1452].includes(number) && { unmet: true }), ...(number === 1062 && { taken: true }) });
  }
  const distrust = distrusted(said, 'by the option tlsCa');
  if (distrust) return new SyncError('denied', `${doing}: ${distrust.why}`, { cause, hint: distrust.hint });
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') return new SyncError('denied', `${doing}: the server does not encrypt connections`, { cause, hint: 'leave out tls' });
  if (network.test(code) || /connection|closed state/i.test(said)) return new SyncError('unavailable', `${doing}: ${unreachable(code, said)}`, { cause, hint: 'check the address, see whether the server is up, and run again' });
  return toSyncError(cause);
}

/** What gives the right that is missing, as far as the server says to whom. */
function hintOfGrant(said: string, { database, wanted = 'read' }: Refused): string | undefined {
  const [, user] = /for user ('.*'@'.*') to|to user ('.*'@'.*') for/.exec(said)?.filter((part) => part !== undefined) ?? [];
  const [, table] = /for table .*?([^.`']+)[`']?$/.exec(said) ?? [];
  if (user === undefined || database === undefined) return undefined;
  // A table that is not there yet has no rights of its own.
  const place = `${quoted(database)}.${table === undefined || wanted === 'create' || wanted === 'swap' ? '*' : quoted(table)}`;
  return grantHint(wanted, `GRANT ${privileges[wanted]} ON ${place} TO ${user}`);
}

/** The platform's code of an error; where the driver hides it behind one of its own, what its sentence says. */
function codeOf(cause: Error): string {
  const code = 'code' in cause ? String(cause.code) : '';
  return code === 'HANDSHAKE_SSL_ERROR' ? /\bE[A-Z]{4,}\b/.exec(cause.message)?.[0] ?? code : code;
}

/** Whether connecting failed for a reason that passes by itself: the connection was cut or timed out. */
export function passesSoon(cause: unknown): boolean {
  // What is cut while it becomes encrypted has a code that certificates have, too.
  return wasCut(cause) || (cause instanceof Error && /ECONNRESET|EPIPE|closed state|disconnected before secure/.test(cause.message));
}

/** Whether it is about one of the rows that were sent, so that the others may be sent without it. */
export function isRefusedRow(cause: unknown): boolean {
  if (cause instanceof SyncError) return true;
  const number = numberOf(cause);
  const state = cause instanceof Error && 'sqlState' in cause ? String(cause.sqlState) : '';
  return number !== undefined && (/^(?:22|23|45)/.test(state) || [1118, 1153, 1265, 1292, 1364, 1366, 1406, 1713, 3140, 3819, 4025].includes(number));
}

/** The number of an error that the server answered with. */
export function numberOf(cause: unknown): number | undefined {
  const number = cause instanceof Error && 'errno' in cause && 'sqlState' in cause && cause.sqlState !== undefined ? cause.errno : undefined;
  return typeof number === 'number' ? number : undefined;
}
