import type { PoolClient } from 'pg';
import type { RangeSql } from '../ranges.ts';
import type { RawRow, Table } from '../table.ts';
import { ownRows, quoted } from './catalog.ts';
import { textOf } from './statements.ts';

const pageRows = 1_000;
/** Servers before that have no SHA-256. */
const firstVersion = 110_000;

/**
 * Ranges of tables of PostgreSQL. A row is digested by SHA-256 as the text of a record, which the server writes with the
 * settings that rows are read with, and which tells NULL from an empty text; a range by SHA-256 over its rows in the order of
 * their keys. What is equal is thus as certain as with any digest of what was read. `undefined` where the server is too old.
 */
export async function postgresRangeSql(client: PoolClient, schemaOf: (client: PoolClient) => Promise<string>): Promise<RangeSql | undefined> {
  try {
    const schema = await schemaOf(client);
    await client.query('begin isolation level repeatable read read only');
    // It is with the first statement that asks for anything that the moment is chosen.
    const [[version, encoding = ''] = []] = await asking(client)("select current_setting('server_version_num'), current_setting('server_encoding')");
    if (Number(version) < firstVersion) {
      await client.query('rollback');
      client.release();
      return undefined;
    }
    // Expressions are large where there are many ranges, and to compile them takes longer than to run them.
    await client.query('set local jit = off');
    return rangeSql(client, { schema, kind: `postgres ${encoding} sha256` });
  } catch (cause) {
    client.release(true);
    throw cause;
  }
}

function asking(client: PoolClient): RangeSql['ask'] {
  return async (text) => (await client.query<(string | null)[]>({ text, rowMode: 'array' })).rows;
}

function rangeSql(client: PoolClient, { schema, kind }: { readonly schema: string; readonly kind: string }): RangeSql {
  const ask = asking(client);
  let open = true;
  return {
    kind,
    fence: ' offset 0',
    digests: (placed) => `select r, encode(sha256(string_agg(sha256(convert_to(body::text, 'UTF8')), ''::bytea order by k)), 'hex') from (${placed}) b where r >= 0 group by r`,
    from: (table) => `${ownRows(schema, table)} t`,
    key: ({ columns, keyAt }) => `(${keyAt.map((at) => textOf(`t.${quoted(columns[at]!.name)}`, columns[at]!.type)).join(" || '/' || ")}) collate "C"`,
    literal: (text) => `'${text.replaceAll("'", "''")}'`,
    body: ({ columns, sorted }) => `row(${sorted.map((at) => `t.${quoted(columns[at]!.name)}`).join(', ')})`,
    row: ({ columns }: Table) => [...columns.map(({ name }) => `t.${quoted(name)}`), 't.xmin'],
    ask,
    async *pages(text) {
      await client.query(`declare differing no scroll cursor for ${text}`);
      for (;;) {
        const rows = await ask(`fetch ${pageRows} from differing`);
        if (rows.length > 0) yield rows.map((row): RawRow => ({ values: row.slice(0, -1), version: row.at(-1)! }));
        if (rows.length < pageRows) break;
      }
      await client.query('close differing');
    },
    async [Symbol.asyncDispose]() {
      if (!open) return;
      open = false;
      // Whatever is under way ends with its connection.
      client.release(true);
    },
  };
}
