// What users may do who have just the rights they need, and what they are told where one is missing.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { diff, merge, sync, verify } from '../src/index.ts';
import type { Action } from '../src/core/reconcile.ts';
import { openState } from '../src/engine/state/sqlite-state.ts';
import type { SyncError } from '../src/model/errors.ts';
import type { Store } from '../src/model/store.ts';
import { openStore } from '../src/stores/open.ts';
import { mariadb, withoutMariadb } from './services/mariadb.ts';
import { postgres, withoutPostgres } from './services/postgres.ts';

interface Place {
  /** The database, as this user has it. */
  of(user: string): string;
  ask(text: string): Promise<unknown>;
}

interface Kind {
  readonly without: { readonly skip: string | false };
  place(): Promise<Place>;
  /** Makes a user, or takes one that is there. */
  user(name: string): string;
  /** Who is granted something. */
  grantee(name: string): string;
  readonly missing: { readonly [what in 'write' | 'delete' | 'create']: RegExp };
}

const kinds: { readonly [name: string]: Kind } = {
  PostgreSQL: {
    without: withoutPostgres,
    place: async () => {
      const { newDatabase, query } = await postgres();
      const endpoint = await newDatabase();
      return { of: (user) => endpoint.replace('tester@', `${user}@`), ask: (text) => query(endpoint, text) };
    },
    user: (name) => `do $$ begin create role ${name} login; exception when duplicate_object then null; end $$`,
    grantee: (name) => name,
    missing: { write: /\(GRANT SELECT, INSERT, UPDATE ON a TO reader\)/, delete: /\(GRANT SELECT, DELETE ON a TO writer\)/, create: /\(GRANT CREATE ON SCHEMA public TO writer\)/ },
  },
  MariaDB: {
    without: withoutMariadb,
    place: async () => {
      const { newDatabase, query } = await mariadb();
      const endpoint = await newDatabase();
      return { of: (user) => endpoint.replace('root@', `${user}@`), ask: (text) => query(endpoint, text) };
    },
    user: (name) => `create user if not exists ${name}@localhost`,
    grantee: (name) => `${name}@localhost`,
    missing: { write: /\(GRANT SELECT, INSERT, UPDATE ON `test_\w+`\.`a` TO 'reader'@/, delete: /\(GRANT SELECT, DELETE ON `test_\w+`\.`a` TO 'writer'@/, create: /\(GRANT CREATE ON `test_\w+`\.\* TO 'writer'@/ },
  },
};

const made = ['create table a (id int primary key, v varchar(20), at timestamp(6) not null)', "insert into a values (1, 'x', '2020-01-01'), (2, 'y', '2020-01-02')"];

/** The same error from a run and from one that only tells what it would do. */
async function bothSay(source: string, target: string, hint: RegExp): Promise<void> {
  const isDenied = (error: SyncError): boolean => error.code === 'denied' && hint.test(error.details.hint ?? '');
  await assert.rejects(diff(source, target), isDenied);
  await assert.rejects(sync(source, target), isDenied);
}

for (const [name, { without, place, user, grantee, missing }] of Object.entries(kinds)) {
  describe(`rights in ${name}`, without, () => {
    const pair = async (more: readonly string[] = []): Promise<readonly [Place, Place]> => {
      const [from, to] = [await place(), await place()];
      for (const { ask } of [from, to]) {
        for (const statement of [made[0]!, ...['reader', 'writer', 'nobody'].map(user), `grant select on a to ${grantee('reader')}`, `grant select, insert, update, delete on a to ${grantee('writer')}`, ...more]) await ask(statement);
      }
      await from.ask(made[1]!);
      return [from, to];
    };

    test('who may read the source and write rows of the target needs no other right, whatever the run', async () => {
      const [from, to] = await pair();
      const [source, target] = [from.of('reader'), to.of('writer')];
      const actions: Action[] = [];
      await diff(source, target, { show: (page) => void actions.push(...page) });
      assert.equal(actions.length, 2);
      const { counts, warnings } = await sync(source, target);
      assert.deepEqual([counts.created, counts.failed, warnings], [2, 0, []]);
      assert.equal((await verify(source, to.of('reader'))).equal, true);
      await to.ask("update a set v = 'new', at = '2021-01-01' where id = 1");
      await from.ask('delete from a where id = 2');
      const merged = await merge(`${from.of('writer')}?modified=at`, `${to.of('writer')}?modified=at`, { decides: 'time', state: openState(undefined) });
      assert.deepEqual([merged.counts.updated, merged.counts.created, merged.counts.failed, merged.warnings], [1, 1, 0, []]);
    });

    test('a right that is missing is named with the statement that gives it, by a run and by one that only tells', async () => {
      const [from, to] = await pair();
      const source = from.of('reader');
      await bothSay(source, to.of('reader'), missing.write);
      // MariaDB shows nothing of what may not be read, and PostgreSQL its columns.
      if (name === 'PostgreSQL') await bothSay(from.of('nobody'), to.of('writer'), /\(GRANT SELECT ON a\), choose other tables/);
      await to.ask(`insert into a values (3, 'z', '2020-01-01')`);
      await to.ask(`revoke delete on a from ${grantee('writer')}`);
      const deleting = { delete: true, guard: { maxDeletes: 10 } } as const;
      const { warnings } = await diff(source, to.of('writer'), deleting);
      assert.match(warnings.join(), missing.delete);
      await assert.rejects(sync(source, to.of('writer'), deleting), (error: SyncError) => error.code === 'denied' && missing.delete.test(error.sentence));
      await to.ask('drop table a');
      await bothSay(source, to.of('writer'), missing.create);
    });
  });
}

describe('rights that a table has of its own', () => {
  test('a row that a policy of PostgreSQL forbids is refused by itself', withoutPostgres, async () => {
    const { newDatabase, query } = await postgres();
    const [from, to] = [await newDatabase(), await newDatabase()];
    await query(from, "create table a (id int primary key, v text); insert into a select i, case when i = 7 then 'closed' else 'open' end from generate_series(1, 100) i");
    await query(to, "create table a (id int primary key, v text); create role limited login; grant all on a to limited; alter table a enable row level security; create policy seen on a to limited using (true) with check (v = 'open')");
    const { counts, failures } = await sync(from, to.replace('tester@', 'limited@'));
    assert.deepEqual([counts.created, counts.failed, failures.map(({ place, error: { code } }) => `${place} ${code}`)], [99, 1, ['a/7 invalid']]);
  });

  test('who may not make tables in MariaDB is told so by a swap before anything is read, and not what else failed', withoutMariadb, async () => {
    const { newDatabase, query } = await mariadb();
    const [from, to] = [await newDatabase(), await newDatabase()];
    for (const place of [from, to]) await query(place, 'create table a (id int primary key, d json)');
    await query(from, "insert into a values (1, '{\"b\": [1]}')");
    for (const statement of ['create user if not exists swapper@localhost', 'grant select, insert, update, delete on a to swapper@localhost']) await query(to, statement);
    const target = to.replace('root@', 'swapper@');
    await assert.rejects(sync(from, target, { swap: true }), (error: SyncError) => error.code === 'denied' && /GRANT .*CREATE.* LOCK TABLES ON .*run without --swap/.test(error.sentence));
    // And may not see the condition either by which a column is known to hold JSON.
    await sync(from, target);
    const store = await openStore(target) as Store;
    await using _ = store;
    assert.deepEqual((await store.read([{ key: 'a/1' }]))[0]?.content, { kind: 'document', document: { id: 1, d: { b: [1] } } });
  });
});
