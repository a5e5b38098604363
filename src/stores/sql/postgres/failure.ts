import { SyncError, toSyncError } from '../../../model/errors.ts';
import type { FailureCode } from '../../../model/errors.ts';
import { wasCut } from '../../records/connecting.ts';
import { grantHint, privileges } from '../granting.ts';
import type { Wanted } from '../granting.ts';
import { distrusted, unreachable } from '../unreachable.ts';
import { quoted } from './catalog.ts';

/** What PostgreSQL says by its codes, or their classes (its manual, Appendix A), and what to do about it. */
const reasons: { readonly [code: string]: readonly [code: FailureCode, hint: string] } = {
  '28': ['denied', 'check the user, and PGPASSWORD or ~/.pgpass'],
  '3D': ['not-found', 'check the name of the database'],
  '42501': ['denied', 'have the right granted, or connect as another user'],
  '42P01': ['not-found', 'see whether the table was dropped meanwhile, and run again'],
  '42703': ['not-found', 'see whether the table was changed meanwhile, and run again'],
  '53300': ['throttled', 'wait until others have disconnected, or raise max_connections'],
  '53': ['unavailable', 'see whether its disk or its memory is full'],
  '57': ['unavailable', 'see whether the server is shutting down, and run again'],
  '08': ['unavailable', 'see whether the server is up, and run again'],
  '40': ['unavailable', 'run again'],
  '55': ['unavailable', 'run again'],
  '25006': ['denied', 'connect to the server that takes writes'],
  '23': ['invalid', 'change the value, or the table'],
  '22': ['invalid', 'change the value, or the table'],
};

const network = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'ENOENT', 'EACCES']);

/** Who was refused, and what that is about. */
export interface Refused {
  readonly user?: string | undefined;
  readonly wanted?: Wanted | undefined;
}

/** What went wrong, as a sentence that begins with what was being done. */
export function postgresError(cause: unknown, doing: string, refused: Refused = {}): SyncError {
  if (cause instanceof SyncError || !(cause instanceof Error) || cause.name === 'AbortError') return toSyncError(cause);
  const code = codeOf(cause);
  const said = messageOf(cause);
  // What the platform says has codes, too, as that a certificate is not known.
  if (code !== undefined && 'severity' in cause) {
    if (isPolicy(cause)) return new SyncError('invalid', `${doing}: ${said}`, { cause, hint: 'change the value, or the policy' });
    const [kind, usual] = reasons[code] ?? reasons[code.slice(0, 2)] ?? ['invalid', undefined];
    const hint = (code === '42501' ? hintOfGrant(said, refused) : undefined) ?? usual;
    return new SyncError(kind, `${doing}: ${said}`, { cause, ...(hint !== undefined && { hint }), ...((code === '23503' || code === '23001') && { unmet: true }), ...(code === '23505' && { taken: true }) });
  }
  if (/SASL|password/i.test(said)) return new SyncError('denied', `${doing}: the server asks for a password, and there is none`, { cause, hint: 'set PGPASSWORD, or write it to ~/.pgpass' });
  const distrust = distrusted(said, 'by the option tlsCa or in PGSSLROOTCERT');
  if (distrust) return new SyncError('denied', `${doing}: ${distrust.why}`, { cause, hint: distrust.hint });
  if (network.has(code ?? '') || /connection|timeout/i.test(said)) return new SyncError('unavailable', `${doing}: ${unreachable(code ?? '', said)}`, { cause, hint: 'check the address, see whether the server is up, and run again' });
  return toSyncError(cause);
}

/** Whether connecting failed for a reason that passes by itself: the connection was cut or timed out, or the server is about to be up. */
export function passesSoon(cause: unknown): boolean {
  return wasCut(cause) || codeOf(cause) === '57P03' || (cause instanceof Error && /^(?:Connection terminated|timeout e)/.test(cause.message));
}

/** Whether the server said it, and goes on answering. */
export function isAnswer(cause: unknown): boolean {
  return cause instanceof Error && 'severity' in cause && cause.severity === 'ERROR';
}

/** Whether it is about one of the rows that were sent, so that the others may be sent without it. */
export function isRefusedRow(cause: unknown): boolean {
  const code = codeOf(cause);
  // Values and constraints; rules and triggers of the table's own; and an index that has no room for a key.
  return code !== undefined && (/^(?:22|23|44|P0)/.test(code) || code === '54000' || code === '21000' || isPolicy(cause));
}

/** Whether a policy of the table forbids a row, which has the code of a right that is missing. */
function isPolicy(cause: unknown): boolean {
  return codeOf(cause) === '42501' && cause instanceof Error && 'routine' in cause && cause.routine === 'ExecWithCheckOptions';
}

/** What gives the right that is missing, as far as the server says to what. */
function hintOfGrant(said: string, { user, wanted = 'read' }: Refused): string | undefined {
  const [, what = '', name = ''] = /^permission denied for (table|schema|sequence|database) "?(.+?)"?$/.exec(said) ?? [];
  const makes = wanted === 'create' || wanted === 'swap';
  const needed = { table: privileges[makes ? 'read' : wanted], schema: makes ? 'CREATE' : 'USAGE', sequence: 'USAGE', database: 'CONNECT' }[what];
  return needed && grantHint(wanted, `GRANT ${needed} ON ${what === 'table' ? '' : `${what.toUpperCase()} `}${asNeeded(name)}${user === undefined ? '' : ` TO ${asNeeded(user)}`}`);
}

function asNeeded(name: string): string {
  return /^[a-z_][a-z\d_]*$/.test(name) ? name : quoted(name);
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}

function messageOf(cause: Error): string {
  // A host of several addresses fails once for each.
  if (cause instanceof AggregateError) return (cause.errors as readonly Error[]).map(({ message }) => message).join(', ');
  const { constraint, column } = cause as { readonly constraint?: string; readonly column?: string };
  return `${cause.message}${column !== undefined && !cause.message.includes(column) ? ` (${column})` : constraint !== undefined && !cause.message.includes(constraint) ? ` (${constraint})` : ''}`;
}
