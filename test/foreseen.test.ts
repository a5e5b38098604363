// A run that only tells says of each row what a run would say that does it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseRename } from '../src/core/rules/rules.ts';
import { runDiff } from '../src/engine/diff.ts';
import { runMerge, runMergeDiff } from '../src/engine/merge.ts';
import { openState } from '../src/engine/state/sqlite-state.ts';
import { runSwap, runSwapDiff } from '../src/engine/swap.ts';
import { runSync } from '../src/engine/sync.ts';
import type { Report } from '../src/engine/types.ts';
import { maskersWith } from '../src/engine/wrap/maskers.ts';
import { RuledNames } from '../src/engine/wrap/naming.ts';
import { ruled } from '../src/engine/wrap/ruled.ts';
import type { Document } from '../src/model/document.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Store } from '../src/model/store.ts';
import { MemoryStore } from '../src/stores/memory/memory-store.ts';
import { openStore } from '../src/stores/open.ts';
import { softly } from '../src/stores/records/softly.ts';
import { mariadb, withoutMariadb } from './services/mariadb.ts';
import { postgres, withoutPostgres } from './services/postgres.ts';

const root = mkdtempSync(join(tmpdir(), 'syncline-foreseen-'));
const opened = new AsyncDisposableStack();
after(async () => {
  await opened.disposeAsync();
  rmSync(root, { recursive: true, force: true });
});

const open = async (endpoint: string): Promise<Store> => opened.use(await openStore(endpoint) as Store);

/** Rows, most of which no table here can hold, and why. */
const rows: { readonly [name: string]: readonly [given: Document, why: RegExp | undefined] } = {
  fits: [{ v: 'abcde', n: 32_767, must: 'x', kind: 'small', d: '2020-02-29' }, undefined],
  long: [{ v: 'abcdef', must: 'x' }, /v holds 5 characters/],
  large: [{ n: 32_768, must: 'x' }, /n holds whole numbers from -32768 to 32767/],
  none: [{ v: 'a' }, /must must have a value/],
  odd: [{ must: 'x', kind: 'medium' }, /kind holds one of "small", "large"/],
  more: [{ must: 'x', unknown: 1 }, /has no column "unknown"/],
  never: [{ must: 'x', d: '2021-02-29' }, /d holds/],
};

async function holding(documents: { readonly [key: string]: Document }): Promise<MemoryStore> {
  const store = new MemoryStore({ name: 'm' });
  await store.write(Object.entries(documents).map(([key, document]) => ({ kind: 'put', entry: { key, content: { kind: 'document', document } } })));
  return store;
}

function told({ counts, types, failures, problems, warnings }: Report): object {
  return { counts, types, problems, warnings, failures: failures.map(({ place, action, error: { sentence } }) => `${action} ${place}: ${sentence}`).sort() };
}

const kinds: { readonly [name: string]: { readonly without: { readonly skip: string | false }; readonly made: readonly string[]; place(): Promise<{ readonly endpoint: string; ask(text: string): Promise<unknown> }>; readonly foresees: readonly string[] } } = {
  PostgreSQL: {
    without: withoutPostgres,
    made: ["create type size as enum ('small', 'large')", 'create table a (id text primary key, v varchar(5), n smallint, must text not null, kind size, d date)'],
    place: async () => {
      const { newDatabase, query } = await postgres();
      const endpoint = await newDatabase();
      return { endpoint, ask: (text) => query(endpoint, text) };
    },
    foresees: Object.keys(rows),
  },
  MariaDB: {
    without: withoutMariadb,
    made: ["create table a (id varchar(20) primary key, v varchar(5), n smallint, must text not null, kind enum('small', 'large'), d date)"],
    place: async () => {
      const { newDatabase, query } = await mariadb();
      const endpoint = await newDatabase();
      return { endpoint, ask: (text) => query(endpoint, text) };
    },
    foresees: Object.keys(rows),
  },
  SQLite: {
    without: { skip: false },
    made: ['create table a (id text primary key not null, v text, n integer, must text not null, kind text, d text)'],
    place: async () => {
      const path = join(root, 'a.sqlite');
      return { endpoint: `sqlite:${path}`, ask: async (text) => { using database = new DatabaseSync(path); database.exec(text); } };
    },
    foresees: ['none', 'more'],
  },
};

for (const [name, { without, made, place, foresees }] of Object.entries(kinds)) {
  test(`what a table of ${name} cannot hold is told by a dry run as by a run, and what fits is in step afterwards`, without, async () => {
    const { endpoint, ask } = await place();
    for (const statement of made) await ask(statement);
    const target = await open(endpoint);
    const source = await holding(Object.fromEntries(Object.entries(rows).map(([id, [given]]) => [`a/${id}`, { id, ...given }])));
    const state = openState(join(root, `${name}.state`));
    const pairing = { origins: [source], target, state, quarantine: { configuration: name, name } };
    const shown: string[] = [];
    const dry = await runDiff(pairing, (actions) => void shown.push(...actions.map(({ key }) => key)));
    assert.deepEqual(await Array.fromAsync(target.scan()), []);
    const done = await runSync(pairing);
    assert.deepEqual(told(dry), told(done));
    const refused = Object.entries(rows).filter(([id, [, why]]) => why && foresees.includes(id));
    assert.equal(done.counts.quarantined, refused.length);
    for (const [id, [, why]] of refused) assert.match(done.failures.find(({ place: at }) => at === `a/${id}`)?.error.message ?? '', why!);
    assert.deepEqual(shown, Object.keys(rows).filter((id) => !refused.some(([refusal]) => refusal === id)).map((id) => `a/${id}`).sort());
    // What is known to fail is held back by both, and everything else is in step.
    assert.deepEqual(told(await runDiff(pairing, () => {})), told(await runSync(pairing)));
  });
}

test('of rows that two databases write in one form, those that one of them cannot hold are told by a dry run as well', withoutPostgres, async () => {
  const { newDatabase, query } = await postgres();
  const [from, to] = [await newDatabase(), await newDatabase()];
  await query(from, "create table a (id int primary key, v text, at timestamptz default '2020-01-01'); insert into a select i, nullif(i, 70) from generate_series(1, 100) i");
  await query(to, "create table a (id int primary key, v text not null, at timestamptz default '2020-01-01')");
  const [source, target] = [await open(`${from}?modified=at`), await open(`${to}?modified=at`)];
  const one = { origins: [source], target };
  const dry = await runDiff(one, () => {});
  assert.deepEqual([dry.counts.created, dry.counts.failed], [99, 1]);
  await query(to, "insert into a values (200, 'only here')");
  const both = { left: source, right: target, decides: 'time', state: openState(undefined), quarantine: { configuration: 'both', name: 'both' } } as const;
  const merging = await runMergeDiff(both, () => {});
  assert.deepEqual([merging.counts.created, merging.counts.quarantined], [100, 1]);
  assert.deepEqual(told(merging), told(await runMerge(both)));
});

test('what is put on a record on its way is there when it is foreseen', async () => {
  const path = join(root, 'soft.sqlite');
  using database = new DatabaseSync(path);
  database.exec('create table a (id integer primary key, title text not null, gone integer not null)');
  const state = openState(undefined);
  const source = await holding({ 'b/1': { id: 1, name: 'x' }, 'b/2': { id: 2 } });
  const softened = softly(await open(`sqlite:${path}`), { deleted: 'gone', host: plainHost });
  const target = ruled<Store>(softened, { naming: new RuledNames(['a=b', 'a.title=name'].map(parseRename)), maskers: maskersWith(Buffer.from('a key that is long enough')), identity: 'these' });
  const pairing = { origins: [source], target, state };
  const dry = await runDiff(pairing, () => {});
  assert.deepEqual([dry.counts.created, dry.counts.failed], [1, 1]);
  assert.deepEqual(told(dry), told(await runSync(pairing)));
});

test('a swap that would put nothing in place for what does not fit says so before', async () => {
  const path = join(root, 'swap.sqlite');
  using database = new DatabaseSync(path);
  database.exec("create table a (id integer primary key, v text not null); insert into a values (1, 'old')");
  const source = await holding({ 'a/1': { id: 1, v: 'new' }, 'a/2': { id: 2 } });
  const pairing = { origins: [source], target: await open(`sqlite:${path}`), guard: { maxDeletes: 10 } };
  const [dry, done] = [await runSwapDiff(pairing, () => {}), await runSwap(pairing)];
  assert.deepEqual([dry.counts.failed, dry.counts.updated, dry.failures.map(({ place }) => place)], [1, 0, ['a/2']]);
  assert.deepEqual([done.counts.failed, done.counts.updated, done.failures.map(({ place }) => place)], [1, 0, ['a/2']]);
  assert.match(dry.warnings.join(), /^nothing would be put in place/);
  assert.deepEqual(database.prepare('select v from a').all().map(({ v }) => v), ['old']);
});
