import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FailureCode } from '../../model/errors.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { plainHost } from '../../model/plain-host.ts';
import type { Outcome, Page, Problem, ScanOptions, Store, Write } from '../../model/store.ts';
import { MemoryStore } from '../../stores/memory/memory-store.ts';
import { runFromCheckpoint } from './checkpoints.ts';
import { runMerge, runMergeDiff } from '../merge.ts';
import { quarantineLimits } from './quarantine.ts';
import type { QuarantineOptions } from './quarantine.ts';
import { openState } from '../state/sqlite-state.ts';
import type { Report, TwoWay } from '../types.ts';

/** Microseconds of a second. */
const second = 1_000_000;
const pair = { configuration: 'a pair', name: 'left and right' } as const;

/** A store that refuses some values, and knows of records that cannot be read. */
class Strict extends MemoryStore {
  refuses: FailureCode | undefined = 'invalid';
  readonly tried: string[] = [];
  problems: readonly Problem[] = [];

  override async *scan(options?: ScanOptions): AsyncGenerator<Page> {
    if (this.problems.length > 0) yield { entries: [], problems: this.problems };
    for await (const { entries } of super.scan(options)) yield { entries: entries.filter(({ key }) => !this.problems.some((problem) => problem.key === key)) };
  }

  override async read(...[refs, options]: Parameters<Store['read']>): ReturnType<Store['read']> {
    const unreadable = this.problems.find((problem) => refs.some(({ key }) => key === problem.key));
    if (unreadable) throw unreadable.error;
    return await super.read(refs, options);
  }

  override async write(batch: readonly Write[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const write of batch) {
      if (write.kind === 'put') this.tried.push(write.entry.key);
      const bad = write.kind === 'put' && write.entry.content.kind === 'document' && write.entry.content.document['bad'] === true;
      if (bad && this.refuses) outcomes.push({ kind: 'failed', error: new SyncError(this.refuses, `${write.entry.key} does not fit`, { attempts: 1 }) });
      else outcomes.push(...await super.write([write]));
    }
    return outcomes;
  }
}

interface World {
  readonly left: Strict;
  readonly right: Strict;
  readonly pairing: TwoWay;
  readonly clock: { seconds: number };
  run(tries?: QuarantineOptions['tries'], whole?: boolean): Promise<Report>;
  until(): number | undefined;
  ids(): readonly string[];
}

function world(): World {
  const clock = { seconds: 1_000 };
  const [left, right] = [new Strict({ name: 'left' }), new Strict({ name: 'right' })];
  const host: Host = { ...plainHost, now: () => clock.seconds * 1_000, sleep: async () => {} };
  const state = openState(undefined);
  const pairing: TwoWay = { left, right, state, host, decides: 'time' };
  return {
    left, right, pairing, clock,
    run: async (tries = 'changed', whole = false) => {
      clock.seconds += 1_000;
      return await runFromCheckpoint({ ...pairing, quarantine: { ...pair, tries } }, { ...pair, whole });
    },
    until: () => state.checkpoints.get('a pair')?.until,
    ids: () => state.quarantines.of(pair).list().map(({ id }) => id).sort(),
  };
}

test('a record that cannot be carried across is set aside, the others go on, and so does the checkpoint', async () => {
  const { left, right, run, until, ids, clock } = world();
  left.edit('t/bad', { bad: true, n: 1 }, { modifiedAt: 900 * second });
  left.edit('t/good', { n: 1 }, { modifiedAt: 900 * second });
  left.edit('t/undated', { n: 1 });
  const first = await run();
  assert.deepEqual(right.dump(), { 't/good': { n: 1 } });
  assert.deepEqual([first.counts.quarantined, first.counts.failed, first.outstanding, first.failures.length], [2, 0, 0, 2]);
  assert.deepEqual([first.flows?.['t']?.right.quarantined, first.flows?.['t']?.left.quarantined], [2, 0]);
  assert.deepEqual([ids(), until()], [['t/bad', 't/undated'], clock.seconds * second]);
  // What has not changed is neither tried again nor told of again, and still counted.
  const second_ = await run();
  assert.deepEqual([second_.counts.quarantined, second_.outstanding, second_.failures.length, right.tried.filter((key) => key === 't/bad').length], [2, 0, 0, 1]);
  assert.equal(until(), clock.seconds * second);
});

test('what was mended leaves the quarantine, even with a time before all that the run looks at', async () => {
  const { left, right, run, ids } = world();
  left.edit('t/bad', { bad: true }, { modifiedAt: 900 * second });
  left.edit('t/undated', { n: 1 });
  await run();
  await run();
  left.edit('t/bad', { bad: false }, { modifiedAt: 901 * second });
  left.edit('t/undated', { n: 1 }, { modifiedAt: 10 * second });
  const { counts } = await run();
  assert.deepEqual([counts.created, counts.quarantined, ids()], [2, 0, []]);
  assert.deepEqual(right.dump(), { 't/bad': { bad: false }, 't/undated': { n: 1 } });
});

test('what is deleted on both sides, or replaced from the other one, leaves the quarantine', async () => {
  const { left, right, run, ids } = world();
  left.edit('t/bad', { bad: true }, { modifiedAt: 900 * second });
  left.edit('t/gone', { bad: true }, { modifiedAt: 900 * second });
  await run();
  left.drop('t/gone');
  right.edit('t/bad', { n: 2 }, { modifiedAt: 950 * second });
  await run('changed');
  assert.deepEqual([left.dump(), ids()], [{ 't/bad': { n: 2 } }, []]);
});

test('everything is tried again when that is asked for, and only then', async () => {
  const { left, right, run, ids } = world();
  left.edit('t/bad', { bad: true }, { modifiedAt: 900 * second });
  await run();
  right.refuses = undefined;
  assert.equal((await run()).counts.quarantined, 1);
  const { counts } = await run('all');
  assert.deepEqual([counts.created, counts.quarantined, ids(), right.dump()], [1, 0, [], { 't/bad': { bad: true } }]);
});

test('what waiting may mend, and what is about more than one record, is no case for it', async () => {
  for (const code of ['unavailable', 'throttled', 'denied', 'not-found', 'internal'] as const) {
    const { left, right, run, ids, until } = world();
    right.refuses = code;
    left.edit('t/bad', { bad: true }, { modifiedAt: 900 * second });
    const { counts, outstanding } = await run();
    assert.deepEqual([counts.failed, counts.quarantined, outstanding, ids(), until()], [1, 0, 1, [], undefined], code);
  }
});

test('what cannot be read is set aside under its key, and asked for by that', async () => {
  const { left, right, run, ids, until, clock } = world();
  left.edit('t/1', { n: 1 }, { modifiedAt: 900 * second });
  left.problems = [{ place: 'left, t', key: 't/1', error: new SyncError('invalid', 'left: t/1 holds what no document can') }];
  const first = await run();
  assert.deepEqual([first.counts.quarantined, first.problems, first.complete, until(), ids()], [1, 0, false, clock.seconds * second, ['t/1']]);
  assert.equal((await run()).counts.quarantined, 1);
  // The other side has news of it: which of both is the newer one nobody knows.
  right.edit('t/1', { n: 2 }, { modifiedAt: (clock.seconds + 1) * second });
  assert.deepEqual([(await run()).counts.quarantined, left.dump()['t/1']], [1, { n: 1 }]);
  left.problems = [];
  assert.equal((await run()).counts.quarantined, 0);
  assert.deepEqual([left.dump(), ids()], [{ 't/1': { n: 2 } }, []]);
});

test('no secret that a sentence repeats is kept', async () => {
  const { left, pairing, run } = world();
  left.problems = [{ place: 'left, t', key: 't/1', error: new SyncError('invalid', 'left: what https://me:sesame@host/t?token=sesame answers is no document') }];
  await run();
  const [record] = pairing.state.quarantines.of(pair).list();
  assert.ok(record && !JSON.stringify(record).includes('sesame'), record?.sentence);
});

test('what has no key is still known of, and forgotten when all was read without coming across it', async () => {
  const { left, run, ids } = world();
  left.problems = [{ place: 'left, t', error: new SyncError('invalid', 'a row of t has no value in its key') }];
  await run();
  left.problems = [];
  assert.deepEqual([(await run()).counts.quarantined, ids().length], [1, 1]);
  assert.deepEqual([(await run('all', true)).counts.quarantined, ids()], [0, []]);
});

test('a dry run tells what would be tried and what is in quarantine, and changes nothing', async () => {
  const { left, right, pairing, run, ids } = world();
  left.edit('t/bad', { bad: true }, { modifiedAt: 900 * second });
  left.edit('t/undated', { n: 1 });
  const planned = async (tries: QuarantineOptions['tries']): Promise<readonly [Report, readonly string[]]> => {
    const keys: string[] = [];
    const report = await runMergeDiff({ ...pairing, quarantine: { ...pair, ...(tries && { tries }) } }, (actions) => void keys.push(...actions.map(({ key }) => key)));
    return [report, keys];
  };
  const [before] = await planned('changed');
  assert.deepEqual([before.counts.created, before.counts.quarantined, ids()], [1, 1, []]);
  await run();
  const [after, held] = await planned('changed');
  assert.deepEqual([after.counts.created, after.counts.quarantined, held], [0, 2, []]);
  const [again, tried] = await planned('all');
  assert.deepEqual([again.counts.created, again.counts.quarantined, tried], [1, 1, ['t/bad', 't/undated']]);
  assert.deepEqual([ids(), right.dump()], [['t/bad', 't/undated'], {}]);
  // However much there is of it.
  for (let i = 0; i < 1_500; i++) left.edit(`u/${i}`, {});
  assert.deepEqual([(await planned('changed'))[0].counts.quarantined, ids().length], [1_502, 2]);
});

test('beyond its bound what fails holds the checkpoint, and a warning says so', async (t) => {
  t.mock.property(quarantineLimits as { records: number }, 'records', 2);
  const { left, run, until } = world();
  for (let i = 0; i < 3; i++) left.edit(`t/${i}`, { bad: true }, { modifiedAt: 900 * second });
  const { counts, outstanding, warnings } = await run();
  assert.deepEqual([counts.quarantined, counts.failed, outstanding, until()], [2, 1, 1, undefined]);
  assert.match(warnings.join(), /quarantine is full/);
});

test('without a quarantine a record fails each time', async () => {
  const { left, pairing } = world();
  left.edit('t/undated', {});
  for (let i = 0; i < 2; i++) {
    const { counts, outstanding } = await runMerge(pairing);
    assert.deepEqual([counts.failed, counts.quarantined, outstanding], [1, 0, 1]);
  }
});

test('what a large document holds is not kept', async () => {
  const { left, pairing, run } = world();
  left.edit('t/small', { bad: true }, { modifiedAt: 900 * second });
  left.edit('t/large', { bad: true, text: 'x'.repeat(quarantineLimits.textBytes) }, { modifiedAt: 900 * second });
  await run();
  const quarantine = pairing.state.quarantines.of(pair);
  assert.deepEqual(['t/small', 't/large'].map((id) => quarantine.find(id)[0]?.text), ['{"bad":true}', undefined]);
});
