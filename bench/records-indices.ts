import type { RecordsScenario } from './records-scenario.ts';

/** Pairs of which one at least is an index or Cassandra. */
export const indexScenarios: readonly RecordsScenario[] = [];
