import type { RecordsScenario } from './records.ts';

/** Pairs of which one at least is an index or Cassandra. */
export const indexScenarios: readonly RecordsScenario[] = [];
