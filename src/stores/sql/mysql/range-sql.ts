import type { RangeSql } from '../ranges.ts';
import type { Column, RawRow } from '../table.ts';
import { quoted } from './catalog.ts';
import type { Sessions } from './sessions.ts';
import { pagesOf, rowsOf } from './sessions.ts';
import { textOf } from './statements.ts';

const pageRows = 1_000;
/** Servers before that number no rows. */
const firstVersions = { maria: [10, 2], mysql: [8, 0] } as const;
/** Bytes that the digests of the rows of one range may take. A range of more gets no digest. */
const digestsBytes = 64 * 1024 * 1024;

/**
 * Ranges of tables of MySQL or MariaDB. A row is digested by SHA-256 as its columns, each quoted as text so that NULL is told
 * from an empty one, with the settings that rows are read with; a range by SHA-256 over its rows in the order of their keys. `undefined` where the
 * server is too old.
 */
export async function mysqlRangeSql(sessions: Sessions): Promise<RangeSql | undefined> {
  const connection = await sessions.take();
  try {
    const [[version] = []] = await rowsOf(connection, 'select version()');
    if (isBefore(version ?? '', sessions.isMaria ? firstVersions.maria : firstVersions.mysql)) {
      connection.release();
      return undefined;
    }
    await rowsOf(connection, `set group_concat_max_len = ${digestsBytes}`);
    await rowsOf(connection, 'set transaction isolation level repeatable read');
    await rowsOf(connection, 'start transaction with consistent snapshot, read only');
  } catch (cause) {
    connection.destroy();
    throw cause;
  }
  return {
    kind: `${sessions.isMaria ? 'mariadb' : 'mysql'} sha256`,
    fence: '',
    // What is cut off for being too long, or left out for being NULL, leaves less than there has to be.
    digests: (placed) => `select r, case when octet_length(g) = 32 * n then sha2(g, 256) end from (select r, count(*) as n, group_concat(unhex(sha2(body, 256)) order by k separator '') as g from (${placed}) b where r >= 0 group by r) c`,
    from: ({ name }) => `${quoted(name)} t`,
    key: ({ columns, keyAt }) => `cast(concat(${keyAt.map((at) => textOf(`t.${quoted(columns[at]!.name)}`, columns[at]!.native, columns[at]!.type)).join(", '/', ")}) as binary)`,
    literal: (text) => `x'${Buffer.from(text).toString('hex')}'`,
    body: ({ columns, sorted }) => `concat(${sorted.map((at) => `cast(quote(convert(${valueOf(columns[at]!)} using utf8mb4)) as binary)`).join(', ')})`,
    row: ({ columns }) => columns.map(valueOf),
    ask: (text) => rowsOf(connection, text),
    async *pages(text, signal) {
      for await (const rows of pagesOf(connection, text, pageRows, signal)) yield rows.map((values): RawRow => ({ values }));
    },
    // Whatever is under way ends with its connection.
    async [Symbol.asyncDispose]() {
      connection.destroy();
    },
  };
}

function isBefore(version: string, [first, second]: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major < first || (major === first && minor < second);
}

/** A column as it is read. */
function valueOf({ name, native, type }: Column): string {
  const column = `t.${quoted(name)}`;
  if (type.kind === 'bytes') return `hex(${column})`;
  return native === 'float' ? `cast(${column} as double)` : native === 'bit' ? `${column} + 0` : column;
}
