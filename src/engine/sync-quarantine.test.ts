import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncError } from '../model/errors.ts';
import type { FailureCode } from '../model/errors.ts';
import type { Outcome, Problem, Store } from '../model/store.ts';
import { MemoryStore } from '../stores/memory/memory-store.ts';
import { wrap } from '../testing/index.ts';
import { runDiff } from './diff.ts';
import type { QuarantineOptions } from './run/quarantine.ts';
import { openState } from './state/sqlite-state.ts';
import { runSync } from './sync.ts';
import type { OneWay, Report } from './types.ts';

const pair = { configuration: 'a pair', name: 'left to right' } as const;

/** Two places, of which the right one refuses some values and the left one has records that cannot be read. */
class World {
  readonly left = new MemoryStore({ name: 'left' });
  readonly right = new MemoryStore({ name: 'right' });
  readonly state = openState(undefined);
  readonly tried: string[] = [];
  refuses: FailureCode | undefined = 'invalid';
  problems: readonly Problem[] = [];

  pairing(tries: QuarantineOptions['tries'] = 'changed'): OneWay {
    return { origins: [this.#source()], target: this.#target(), state: this.state, quarantine: { ...pair, tries } };
  }

  async run(more: Partial<OneWay> = {}, tries?: QuarantineOptions['tries']): Promise<Report> {
    return await runSync({ ...this.pairing(tries), ...more });
  }

  async plan(more: Partial<OneWay> = {}, tries?: QuarantineOptions['tries']): Promise<readonly [Report, readonly string[]]> {
    const keys: string[] = [];
    const report = await runDiff({ ...this.pairing(tries), ...more }, (actions) => void keys.push(...actions.map(({ kind, key }) => `${kind} ${key}`)));
    return [report, keys];
  }

  ids(): readonly string[] {
    return this.state.quarantines.of(pair).list().map(({ id }) => id).sort();
  }

  #source(): Store {
    const { left } = this;
    const isUnreadable = (key: string): boolean => this.problems.some((problem) => problem.key === key);
    return wrap<Store>(left, {
      scan: (options) => withProblems(left.scan(options), this.problems, isUnreadable),
      read: async (refs, options) => {
        const problem = this.problems.find((one) => refs.some(({ key }) => key === one.key));
        if (problem) throw problem.error;
        return await left.read(refs, options);
      },
    });
  }

  #target(): Store {
    const { right } = this;
    return wrap<Store>(right, {
      write: async (batch, options) => {
        const outcomes: Outcome[] = [];
        for (const write of batch) {
          if (write.kind === 'put') this.tried.push(write.entry.key);
          const bad = write.kind === 'put' && write.entry.content.kind === 'document' && write.entry.content.document['bad'] === true;
          if (bad && this.refuses) outcomes.push({ kind: 'failed', error: new SyncError(this.refuses, `${write.entry.key} does not fit`, { attempts: 1 }) });
          else outcomes.push(...await right.write([write], options));
        }
        return outcomes;
      },
    });
  }
}

async function* withProblems(pages: ReturnType<Store['scan']>, problems: readonly Problem[], isUnreadable: (key: string) => boolean): ReturnType<Store['scan']> & AsyncGenerator {
  if (problems.length > 0) yield { entries: [], problems };
  for await (const page of pages) yield { ...page, entries: page.entries.filter(({ key }) => !isUnreadable(key)) };
}

const unreadable = (key?: string): Problem => ({ place: 'left, t', ...(key !== undefined && { key }), error: new SyncError('invalid', `left: ${key ?? 'a row of t'} holds what no document can`) });

test('what the target refuses is set aside, told once, and not tried again before it has changed', async () => {
  const world = new World();
  world.left.edit('t/bad', { bad: true });
  world.left.edit('t/good', { n: 1 });
  const first = await world.run();
  assert.deepEqual([first.counts.created, first.counts.quarantined, first.counts.failed, first.failures.length, world.ids()], [1, 1, 0, 1, ['t/bad']]);
  const second = await world.run();
  assert.deepEqual([second.counts.quarantined, second.types['t']?.quarantined, second.failures.length, world.tried.filter((key) => key === 't/bad').length], [1, 1, 0, 1]);
  world.left.edit('t/bad', { bad: false });
  const third = await world.run();
  assert.deepEqual([third.counts.created, third.counts.quarantined, world.ids(), world.right.dump()['t/bad']], [1, 0, [], { bad: false }]);
});

test('all of it is tried again when that is asked for, and only then', async () => {
  const world = new World();
  world.left.edit('t/bad', { bad: true });
  await world.run();
  world.refuses = undefined;
  assert.equal((await world.run()).counts.quarantined, 1);
  assert.deepEqual([(await world.run({}, 'all')).counts.created, world.ids()], [1, []]);
});

test('what waiting may mend fails each time', async () => {
  for (const code of ['unavailable', 'throttled', 'not-found', 'internal'] as const) {
    const world = new World();
    world.refuses = code;
    world.left.edit('t/bad', { bad: true });
    const { counts } = await world.run();
    assert.deepEqual([counts.failed, counts.quarantined, world.ids()], [1, 0, []], code);
  }
});

test('what cannot be read is not taken for gone: nothing is deleted, and what the target holds of it stays', async () => {
  const world = new World();
  for (const key of ['t/1', 't/2', 't/3', 't/4', 't/5']) world.left.edit(key, { n: 1 });
  await world.run();
  world.problems = [unreadable('t/1')];
  world.left.drop('t/2');
  const { counts, complete } = await world.run({ deletes: 'propagate' });
  assert.deepEqual([counts.deleted, counts.quarantined, complete, Object.keys(world.right.dump())], [0, 1, false, ['t/1', 't/2', 't/3', 't/4', 't/5']]);
  assert.equal((await world.run({ deletes: 'propagate' })).counts.deleted, 0);
  // It is not called one that only the target holds, either.
  assert.equal((await world.run({ onKept: () => {} })).counts.kept, 1);
  world.problems = [];
  assert.deepEqual([(await world.run({ deletes: 'propagate' })).counts.deleted, world.ids(), Object.keys(world.right.dump())], [1, [], ['t/1', 't/3', 't/4', 't/5']]);
});

test('an earlier origin does not stand in for what cannot be read of a later one', async () => {
  const world = new World();
  const base = new MemoryStore({ name: 'base' });
  world.left.edit('t/1', { n: 2 });
  await world.run();
  base.edit('t/1', { n: 1 });
  world.problems = [unreadable('t/1')];
  const { counts } = await world.run({ origins: [base, ...world.pairing().origins] });
  assert.deepEqual([counts.updated, counts.quarantined, world.right.dump()], [0, 1, { 't/1': { n: 2 } }]);
});

test('what is gone, or in step without having been written, leaves the quarantine', async () => {
  const world = new World();
  for (const key of ['t/gone', 't/same', 't/stays']) world.left.edit(key, { bad: true });
  world.problems = [unreadable()];
  await world.run();
  assert.equal(world.ids().length, 4);
  world.left.drop('t/gone');
  world.right.edit('t/same', { bad: true });
  world.problems = [];
  assert.deepEqual([(await world.run()).counts.quarantined, world.ids()], [1, ['t/stays']]);
});

test('what is equal and was not read is looked at by its key', async () => {
  const world = new World();
  world.left.edit('t/gone', { bad: true });
  world.left.edit('t/same', { bad: true });
  world.left.edit('t/stays', { bad: true });
  await world.run();
  world.left.drop('t/gone');
  world.right.edit('t/same', { bad: true });
  // Nothing is come across where a listing leaves out what is known to be equal.
  const [only] = world.pairing().origins;
  const blind = wrap<Store>(only as Store, { scan: () => withProblems(world.left.scan(), [{ ...unreadable(), collection: 't' }], () => true) });
  const { counts } = await world.run({ origins: [blind] });
  assert.deepEqual([counts.quarantined, world.ids()], [1, ['t/stays']]);
});

test('a dry run tells what would be tried and what is in quarantine, and changes nothing', async () => {
  const world = new World();
  world.left.edit('t/bad', { bad: true });
  world.problems = [unreadable('t/blind')];
  const [before, planned] = await world.plan();
  assert.deepEqual([before.counts.created, before.counts.quarantined, planned, world.ids()], [1, 1, ['put t/bad'], []]);
  await world.run();
  const [after, held] = await world.plan();
  assert.deepEqual([after.counts.created, after.counts.quarantined, held], [0, 2, []]);
  const [again, tried] = await world.plan({}, 'all');
  assert.deepEqual([again.counts.created, again.counts.quarantined, tried, world.ids()], [1, 1, ['put t/bad'], ['t/bad', 't/blind']]);
});

test('a run of a part of everything leaves the rest of the quarantine alone', async () => {
  const world = new World();
  for (const key of ['t/1', 't/2']) world.left.edit(key, { bad: true });
  await world.run();
  world.left.drop('t/1');
  world.left.drop('t/2');
  const { counts } = await world.run({ under: ['t/1'] });
  assert.deepEqual([counts.quarantined, world.ids()], [2, ['t/1', 't/2']]);
  assert.deepEqual([(await world.run()).counts.quarantined, world.ids()], [0, []]);
});
