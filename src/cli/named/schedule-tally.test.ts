import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../../engine/types.ts';
import { ScheduleTally } from './schedule-tally.ts';

test('a run that was interrupted is neither well nor failed, and what it wrote is counted', () => {
  const tally = new ScheduleTally(['orders'], () => 0);
  const report = { counts: { created: 2, updated: 0, deleted: 0, failed: 0, conflicts: 0, quarantined: 0 }, problems: 0, failures: [], interrupted: true } as unknown as Report;
  tally.started('orders');
  tally.ended('orders', { exitCode: 130, report });
  const { syncs } = tally.health() as { readonly syncs: { readonly orders: object } };
  assert.partialDeepStrictEqual(syncs.orders, { state: 'waiting', runs: 0, failedRuns: 0, changes: { created: 2 }, lastSuccessAt: null });
  assert.equal(tally.isWell, true);
  tally.ended('orders', { exitCode: 1, report: { ...report, interrupted: false } });
  assert.equal(tally.isWell, false);
});
