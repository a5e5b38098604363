import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Collection } from '../../model/collection.ts';
import { SyncError } from '../../model/errors.ts';
import type { Outcome, Write } from '../../model/store.ts';
import { MemoryStore } from '../../stores/memory/memory-store.ts';
import { fakeHost } from '../../testing/index.ts';
import { runMerge } from '../merge.ts';
import { openState } from '../state/sqlite-state.ts';
import { runSync } from '../sync.ts';

const collection = (name: string): Collection => ({ name, fields: [{ name: 'id', type: { kind: 'text' }, nullable: false }], key: ['id'] });

/** A store of tables: what has none cannot be written. */
class Tables extends MemoryStore {
  readonly tables: Map<string, Collection>;
  prepared = 0;
  failing: SyncError[] = [];

  constructor(name: string, tables: readonly string[]) {
    super({ name, batchEntries: 2 });
    this.tables = new Map(tables.map((table) => [table, collection(table)]));
  }

  async describe(): Promise<readonly Collection[]> {
    return [...this.tables.values()];
  }

  async prepare(collections: readonly Collection[]): Promise<void> {
    const error = this.failing.shift();
    if (error) throw error;
    for (const each of collections) {
      if (each.name === 'odd') throw new SyncError('unsupported', `${this.name} cannot hold odd`);
      this.prepared++;
      this.tables.set(each.name, each);
    }
  }

  override async write(batch: readonly Write[]): Promise<readonly Outcome[]> {
    for (const write of batch) assert.ok(this.tables.has((write.kind === 'put' ? write.entry.key : write.ref.key).split('/')[0]!), 'the table is there before it is written to');
    return await super.write(batch);
  }
}

test('a collection that is missing on the other side is made when the first entry of it is written, and only then', async () => {
  const [left, right] = [new Tables('left', ['orders', 'empty', 'odd']), new Tables('right', ['people'])];
  await using state = openState(undefined);
  for (let i = 0; i < 20; i++) left.edit(`orders/${i}`, { i }, { modifiedAt: 1 });
  left.edit('odd/1', {}, { modifiedAt: 1 });
  right.edit('people/1', {}, { modifiedAt: 1 });
  right.failing = [new SyncError('unavailable', 'busy')];
  const report = await runMerge({ left, right, state, decides: 'time', host: fakeHost() });
  assert.deepEqual([report.counts.created, report.counts.failed, right.prepared, left.prepared], [21, 1, 1, 1]);
  assert.match(report.failures[0]!.error.message, /cannot hold odd/);
  assert.deepEqual([[...left.tables.keys()], [...right.tables.keys()]], [['orders', 'empty', 'odd', 'people'], ['people', 'orders']]);
});

test('a one-way run makes what its target lacks', async () => {
  const [source, target] = [new Tables('source', ['orders']), new Tables('target', [])];
  source.edit('orders/1', { id: '1' }, { modifiedAt: 5 });
  source.edit('orders/2', { id: '2' }, { modifiedAt: 9 });
  const { counts } = await runSync({ origins: [source], target, host: fakeHost(), window: { after: 5 }, deletes: 'propagate' });
  assert.deepEqual([target.prepared, counts.created, target.dump()], [1, 1, { 'orders/2': { id: '2' } }]);
  target.edit('orders/3', { id: '3' }, { modifiedAt: 7 });
  source.edit('orders/2', { id: '2', edited: true }, { modifiedAt: 11 });
  const again = await runSync({ origins: [source], target, host: fakeHost(), window: { after: 9, until: 11 }, deletes: 'propagate' });
  assert.deepEqual([again.counts.updated, again.counts.deleted, again.counts.read, Object.keys(target.dump())], [1, 0, 1, ['orders/2', 'orders/3']]);
});

test('a target that needs no description makes a collection that nobody describes, and one that does says what it lacks', async () => {
  const source = new MemoryStore({ name: 'files' });
  for (let i = 0; i < 5; i++) source.edit(`notes/${i}`, { i });
  const target = new Tables('target', []);
  const { counts } = await runSync({ origins: [source], target, host: fakeHost() });
  assert.deepEqual([counts.created, target.prepared, target.tables.get('notes')], [5, 1, { name: 'notes', fields: [], key: [] }]);
  const strict = new Tables('strict', []);
  strict.prepare = async ([collection]) => { throw new SyncError('not-found', `strict has no table ${collection?.name}`); };
  const report = await runSync({ origins: [source], target: strict, host: fakeHost() });
  assert.deepEqual([report.counts.created, report.counts.failed, report.failures[0]?.error.message], [0, 5, 'strict has no table notes']);
});
