import type { Session } from './session.ts';
import type { Table } from './tables.ts';

/** Each is asked of by itself. Of more, nobody is told how far a run is. */
const mostTables = 50;

/**
 * Roughly how many records the tables hold, by what one node says of its own part of the ring: it counts partitions, in files that
 * overlap, every few minutes, and what is not in files yet not at all. `undefined` where it has not looked yet, or where a partition holds
 * several records.
 */
export async function estimateRecords(session: Session, keyspace: string, tables: readonly Table[], signal: AbortSignal | undefined): Promise<number | undefined> {
  if (tables.length > mostTables || tables.some(({ key, partition }) => key.length > partition.length)) return undefined;
  const estimates = await Promise.all(tables.map(async ({ name }) => {
    const { rows } = await session.run({ cql: 'SELECT range_start, range_end, partitions_count FROM system.size_estimates WHERE keyspace_name = ? AND table_name = ?', values: [keyspace, name], what: `read how much ${name} of ${session.name} holds`, signal });
    return partitionsIn(rows.map((row) => ({ after: BigInt(row['range_start']), until: BigInt(row['range_end']), partitions: Number(row['partitions_count']) })));
  }));
  return estimates.reduce((sum: number | undefined, count) => (sum === undefined || count === undefined ? undefined : sum + count), 0);
}

/** How many partitions there are in all, where these are in some ranges of tokens, of which no two overlap; `undefined` where there are no ranges. */
export function partitionsIn(ranges: readonly { readonly after: bigint; readonly until: bigint; readonly partitions: number }[]): number | undefined {
  const all = 2 ** 64;
  let [partitions, tokens] = [0, 0];
  for (const range of ranges) {
    partitions += range.partitions;
    // From one token to the same, it is the whole ring.
    tokens += Number(BigInt.asUintN(64, range.until - range.after)) || all;
  }
  return tokens === 0 ? undefined : Math.round(partitions * Math.max(1, all / tokens));
}
