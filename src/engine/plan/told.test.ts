import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tombstone } from '../../core/tombstones.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Problem, Store } from '../../model/store.ts';
import { MemoryStore } from '../../stores/memory/memory-store.ts';
import { wrap } from '../../testing/index.ts';
import { runDiff } from '../diff.ts';
import { runSync } from '../sync.ts';
import type { OneWay, Report } from '../types.ts';

/** A source that says what was deleted there, and a target. */
class World {
  readonly left = new MemoryStore({ name: 'left' });
  readonly right = new MemoryStore({ name: 'right' });
  told: readonly Entry[] = [];
  problems: readonly Problem[] = [];

  /** Fills the target with records of one time, and the source with all of them but the first so many. */
  constructor(gone: number, all = 6) {
    for (let i = 1; i <= all; i++) {
      this.right.edit(`t/${i}`, { i }, { modifiedAt: 100 });
      if (i > gone) this.left.edit(`t/${i}`, { i }, { modifiedAt: 100 });
    }
  }

  pairing(more: Partial<OneWay> = {}): OneWay {
    const [told, problems] = [this.told, this.problems];
    const source = wrap<Store>(this.left, {
      async *tombstones({ window: { after = -Infinity, until = Infinity } = {} } = {}) {
        yield { entries: told.filter(({ modifiedAt = 0 }) => modifiedAt > after && modifiedAt <= until), problems };
      },
    });
    return { origins: [source], target: this.right, deletes: 'told', ...more };
  }

  async run(more?: Partial<OneWay>): Promise<Report> {
    return await runSync(this.pairing(more));
  }

  keys(): string {
    return Object.keys(this.right.dump()).join(' ');
  }
}

test('what was deleted at the source goes at the target where it is older, and nothing else does', async () => {
  const world = new World(4);
  world.told = [tombstone('t/1', 101), tombstone('t/2', 100), tombstone('t/3', 99), tombstone('t/6', 500), tombstone('t/9', 500)];
  const planned: string[] = [];
  const { counts } = await runDiff(world.pairing(), (actions) => void planned.push(...actions.map(({ kind, key }) => `${kind} ${key}`)));
  assert.deepEqual([planned.filter((line) => line.startsWith('delete')), counts.deleted], [['delete t/1'], 1]);
  const report = await world.run();
  // Of one time the record wins, what is newer stays, what the source holds is no case for a tombstone, and what nobody tells of is left there.
  assert.deepEqual([report.counts.deleted, world.keys()], [1, 't/2 t/3 t/4 t/5 t/6']);
  assert.equal((await world.run()).counts.deleted, 0);
});

test('of several deletions of one record the latest counts, and of several origins each is asked', async () => {
  const world = new World(2);
  world.told = [tombstone('t/1', 50), tombstone('t/1', 200), tombstone('t/2', 200)];
  const other = new MemoryStore({ name: 'other' });
  other.edit('t/2', { i: 2 }, { modifiedAt: 100 });
  const report = await world.run({ origins: [other, ...world.pairing().origins] });
  assert.deepEqual([report.counts.deleted, world.keys()], [1, 't/2 t/3 t/4 t/5 t/6']);
});

test('the guard counts what was told, too', async () => {
  const world = new World(4);
  world.told = [1, 2, 3, 4].map((i) => tombstone(`t/${i}`, 200));
  await assert.rejects(world.run(), { code: 'guarded', message: /refusing to delete 4 of 6 entries/ });
  const warned = await runDiff(world.pairing(), () => {});
  assert.match(warned.warnings.join(), /a sync would end here: refusing to delete 4 of 6/);
  assert.equal((await world.run({ guard: { maxDeletes: 4 } })).counts.deleted, 4);
});

test('nothing is deleted where a deletion or a record cannot be read', async () => {
  const world = new World(1);
  world.told = [tombstone('t/1', 200)];
  world.problems = [{ place: 'deletions', error: new SyncError('invalid', 'a row of deletions does not say what was deleted') }];
  const { counts, complete } = await world.run();
  assert.deepEqual([counts.deleted, complete, world.keys()], [0, false, 't/1 t/2 t/3 t/4 t/5 t/6']);
});

test('a record without a time stays, and is warned of', async () => {
  const world = new World(1);
  world.right.edit('t/1', { i: 1 });
  world.told = [tombstone('t/1', 200)];
  const { counts, warnings } = await world.run();
  assert.equal(counts.deleted, 0);
  assert.match(warnings.join(), /one entry of right was deleted at the source, and stays/);
});

test('within a window what was deleted in it is deleted, under the guard', async () => {
  const world = new World(2);
  world.told = [tombstone('t/1', 200), tombstone('t/2', 300)];
  const target = wrap<Store>(world.right, { estimate: async () => 6 });
  assert.equal((await world.run({ target, window: { after: 250 } })).counts.deleted, 1);
  assert.equal(world.keys(), 't/1 t/3 t/4 t/5 t/6');
  // How much there is nobody knows, so that it may be all of it.
  await assert.rejects(world.run({ window: { after: 150 } }), { code: 'guarded' });
});

test('how much the target holds is asked once, by a run and by what foretells it', async () => {
  const world = new World(2, 40);
  world.told = [tombstone('t/1', 200)];
  for (const order of ['key', 'none'] as const) {
    let asked = 0;
    const right = new MemoryStore({ name: 'right', order });
    for (let i = 1; i <= 40; i++) right.edit(`t/${i}`, { i }, { modifiedAt: 100 });
    const target = wrap<Store>(right, { estimate: async () => { asked++; return 40; } });
    const pairing = world.pairing({ target });
    const origins = order === 'none' ? [wrap<Store>(unordered(world.left), { tombstones: pairing.origins[0]!.tombstones! })] : pairing.origins;
    await runDiff({ ...pairing, origins }, () => {});
    assert.equal(asked, 1, order);
    assert.equal((await runSync({ ...pairing, origins })).counts.deleted, 1);
    assert.equal(asked, 2, order);
  }
});

/** What a store holds, in no order. */
function unordered(store: MemoryStore): MemoryStore {
  const copy = new MemoryStore({ name: 'left', order: 'none' });
  for (const [key, document] of Object.entries(store.dump())) copy.edit(key, document, { modifiedAt: 100 });
  return copy;
}

test('what nobody asked for is not followed', async () => {
  const world = new World(1);
  world.told = [tombstone('t/1', 200)];
  assert.equal((await world.run({ deletes: 'keep' })).counts.deleted, 0);
});
