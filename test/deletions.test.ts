// Deletions that a table or a field of SQLite tells of, and directories that are told.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { runMerge, runMergeDiff } from '../src/engine/merge.ts';
import { openState } from '../src/engine/state/sqlite-state.ts';
import { runSync } from '../src/engine/sync.ts';
import type { Report, TwoWay } from '../src/engine/types.ts';
import type { Store } from '../src/model/store.ts';
import { openPair } from '../src/stores/open.ts';
import { guideSql } from './services/guide-sql.ts';

/** A database beside a directory. */
class Shop implements AsyncDisposable {
  readonly path = mkdtempSync(join(tmpdir(), 'syncline-deletions-'));
  readonly database = new DatabaseSync(join(this.path, 'shop.db'));
  readonly state = openState(undefined);
  readonly #options: string;
  readonly #deleted: string | undefined;

  /** `options`: of the database alone. `deleted`: of both. */
  constructor({ columns = '', options = '', more = '', deleted }: { readonly columns?: string; readonly options?: string; readonly more?: string; readonly deleted?: string } = {}) {
    this.#options = options;
    this.#deleted = deleted;
    this.database.exec(`create table orders (id integer primary key, state text, updated text${columns}); ${more}`);
    for (const id of [1, 2, 3, 4]) this.database.exec(`insert into orders (id, state, updated) values (${id}, 'open', '2015-01-10T00:00:00Z')`);
  }

  async with<T>(body: (left: Store, right: Store) => Promise<T>): Promise<T> {
    const options = { as: 'documents', schema: 'simple', modified: 'updated', ...(this.#deleted !== undefined && { deleted: this.#deleted }) } as const;
    await using pair = await openPair({ origins: [`sqlite:${join(this.path, 'shop.db')}?modified=updated${this.#options}`], target: join(this.path, 'files'), options, bothWritten: true });
    return await body(pair.origins[0] as Store, pair.target as Store);
  }

  merge(more: Partial<TwoWay> = {}): Promise<Report> {
    return this.with((left, right) => runMerge({ left, right, state: this.state, decides: 'time', deletes: 'told', ...more }));
  }

  /** A run that writes and deletes so much, and a dry one that says so, and another one that has nothing left to do. */
  async merged(written: number, deleted: number, more: Partial<TwoWay> = {}): Promise<void> {
    const said = await this.with((left, right) => runMergeDiff({ left, right, state: this.state, decides: 'time', deletes: 'told', ...more }, () => {}));
    for (const [i, { counts, failures }] of [said, await this.merge(more), await this.merge(more)].entries()) {
      assert.deepEqual(failures.map(({ error }) => error.message), []);
      assert.deepEqual([counts.created + counts.updated, counts.deleted], i === 2 ? [0, 0] : [written, deleted]);
    }
  }

  file(id: number): string {
    return join(this.path, 'files', 'orders', `${id}.yaml`);
  }

  write(id: number, updated: string, more = ''): void {
    writeFileSync(this.file(id), `id: ${id}\nstate: written here\nupdated: ${updated}\n${more}`);
  }

  /** Which orders there are on both sides. */
  ids(): readonly [database: string, files: string] {
    const rows = this.database.prepare('select id from orders order by id').all();
    return [rows.map(({ id }) => String(id)).join(''), [1, 2, 3, 4, 5].filter((id) => existsSync(this.file(id))).join('')];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.state[Symbol.asyncDispose]();
    this.database.close();
    rmSync(this.path, { recursive: true, force: true });
  }
}

describe('deletions', () => {
  test('the trigger of the guide tells a directory what was deleted, and a file that is older does not come back', async () => {
    await using shop = new Shop({ options: '&tombstones=deletions', more: guideSql('SQLite') });
    await shop.merged(4, 0);
    assert.equal(existsSync(join(shop.path, 'files', 'deletions')), false);
    shop.database.exec('delete from orders where id in (1, 2)');
    await shop.merged(0, 2);
    assert.deepEqual(shop.ids(), ['34', '34']);
    shop.database.exec('delete from deletions');
    shop.write(1, '2015-02-01T00:00:00Z');
    await shop.merged(0, 1);
    shop.write(1, new Date().toISOString());
    await shop.merged(1, 0);
    assert.deepEqual(shop.ids(), ['134', '134']);
  });

  test('what a run deletes in a database with such a table is told there with the time at which it was deleted', async () => {
    await using shop = new Shop({ options: '&tombstones=deletions&deleted=', more: guideSql('SQLite'), deleted: 'gone' });
    await shop.merged(4, 0);
    shop.write(3, '2015-03-01T00:00:00Z', 'gone: true\n');
    await shop.merged(0, 1);
    assert.deepEqual(shop.database.prepare('select * from deletions').all().map((row) => ({ ...row })), [{ collection: 'orders', key: '3', deleted_at: '2015-03-01T00:00:00Z' }]);
    // What was made anew in between is newer than that, though older than the run.
    shop.write(3, '2015-03-02T00:00:00Z');
    await shop.merged(1, 0);
    assert.deepEqual(shop.ids(), ['1234', '1234']);
  });

  test('a row that does not say what was deleted, or when, is listed, and nothing is deleted', async () => {
    await using shop = new Shop({ options: '&tombstones=deletions', more: 'create table deletions (id integer primary key, collection text, key text, deleted_at text)' });
    await shop.merged(4, 0);
    shop.database.exec("insert into deletions values (1, 'orders', '1', '2015-03-01'), (2, 'orders', '2', 'yesterday'), (3, 'orders', null, '2015-03-01')");
    const { counts, failures, complete } = await shop.merge();
    assert.deepEqual([counts.deleted, complete, shop.ids()], [0, false, ['1234', '1234']]);
    assert.deepEqual(failures.map(({ error }) => error.message.replace(/ of sqlite:\S+/, '')), ['deletions/2 does not say when it was deleted', 'deletions/3 does not say what was deleted']);
  });

  test('a table of deletions that is not there is an error', async () => {
    await using shop = new Shop({ options: '&tombstones=deletoins' });
    await assert.rejects(shop.merge(), { code: 'not-found', message: /no table deletoins/ });
  });

  const fields: readonly (readonly [column: string, mark: string, told: unknown])[] = [
    ['gone text', "'2015-03-01T00:00:00Z'", '2015-04-01T00:00:00Z'],
    ['gone boolean not null default false', 'true', 1],
    ['gone integer', '1', 1],
    ['gone instant_text(3)', "'2015-03-01T00:00:00.5Z'", '2015-04-01T00:00:00'],
  ];
  for (const [column, mark, told] of fields) {
    test(`a record is deleted by a column ${column}, told by it, and made anew by clearing it`, async () => {
      await using shop = new Shop({ columns: `, ${column}`, options: '&deleted=gone&tombstones=deletions', more: guideSql('SQLite') });
      await shop.merged(4, 0);
      assert.doesNotMatch(readFileSync(shop.file(1), 'utf8'), /gone/);
      shop.database.exec(`update orders set gone = ${mark}, updated = '2015-03-01T00:00:00Z' where id = 1`);
      await shop.merged(0, 1);
      assert.deepEqual(shop.ids(), ['1234', '234']);
      shop.write(1, '2015-03-02T00:00:00Z');
      await shop.merged(1, 0);
      const row = (id: number): { readonly [column: string]: unknown } => ({ ...shop.database.prepare('select state, updated, gone from orders where id = ?').get(id) });
      assert.deepEqual([row(1)['state'], Boolean(row(1)['gone'])], ['written here', false]);
      shop.database.exec("insert into deletions values ('orders', '2', '2015-04-01T00:00:00Z')");
      await shop.merged(0, 2);
      assert.deepEqual([row(2)['updated'], String(row(2)['gone']).replace(/Z?$/, ''), shop.ids()], ['2015-04-01T00:00:00Z', String(told).replace(/Z?$/, ''), ['1234', '134']]);
    });
  }

  test('one way, what is deleted at the origin is not written, and deleted only where that is asked for', async () => {
    await using shop = new Shop({ columns: ', gone integer', options: '&deleted=gone' });
    shop.database.exec('update orders set gone = 1 where id = 1');
    const sync = (deletes: 'keep' | 'propagate'): Promise<Report> => shop.with((left, target) => runSync({ origins: [left], target, state: shop.state, deletes }));
    assert.equal((await sync('keep')).counts.created, 3);
    shop.database.exec('update orders set gone = 1 where id = 2');
    const kept = await sync('keep');
    assert.deepEqual([kept.counts.deleted, shop.ids()[1]], [0, '234']);
    const { counts } = await sync('propagate');
    assert.deepEqual([counts.deleted, shop.ids()], [1, ['1234', '34']]);
    // The other way, the row stays, and says since when.
    const back = await shop.with((target, origin) => runSync({ origins: [origin], target, state: shop.state, deletes: 'propagate' }));
    assert.equal(back.counts.deleted, 0);
    rmSync(shop.file(3));
    const gone = await shop.with((target, origin) => runSync({ origins: [origin], target, state: shop.state, deletes: 'propagate' }));
    const row = { ...shop.database.prepare('select gone, updated from orders where id = 3').get() };
    assert.deepEqual([gone.counts.deleted, row['gone'], String(row['updated']) > '2015-01-10T00:00:00Z'], [1, 1, true]);
  });
});
