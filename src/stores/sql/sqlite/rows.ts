import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Raw, RawRow, Table } from '../table.ts';
import { quoted } from './catalog.ts';

/** What a reader makes of bytes that are no UTF-8. */
const replacement = '\uFFFD';

/** A statement whose rows are lists of exact values. */
export function selecting(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  return statement;
}

/** Rows of a table as a statement of {@link selecting} has them. Text that is no UTF-8, which the database holds as it came, is its bytes. */
export function rowsOf(database: DatabaseSync, table: Table, rows: unknown): readonly RawRow[] {
  const found = rows as readonly (readonly (Raw | null)[])[];
  return found.map((values) => ({ values: values.some((value, i) => isDoubtful(value) && !table.keyAt.includes(i)) ? exactly(database, table, values) : values }));
}

function isDoubtful(value: Raw | null): boolean {
  return typeof value === 'string' && value.includes(replacement);
}

function exactly(database: DatabaseSync, table: Table, values: readonly (Raw | null)[]): readonly (Raw | null)[] {
  const columns = table.columns.map(({ name }) => `cast(${quoted(name)} as blob)`).join(', ');
  const select = selecting(database, `select ${columns} from main.${quoted(table.name)} where ${table.key.map((name) => `${quoted(name)} is ?`).join(' and ')}`);
  const row = select.get(...table.keyAt.map((at) => values[at]!)) as unknown as readonly (Uint8Array | null)[] | undefined;
  return values.map((value, i) => {
    const bytes = row?.[i];
    return bytes && isDoubtful(value) && !table.keyAt.includes(i) && !Buffer.from(value as string).equals(bytes) ? bytes : value;
  });
}
