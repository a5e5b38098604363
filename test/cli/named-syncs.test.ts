import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileDescription } from '../../src/cli/named/description.ts';
import type { SyncError } from '../../src/model/errors.ts';
import { loadSyncs } from '../../src/cli/named/load.ts';
import { openState } from '../../src/engine/state/sqlite-state.ts';
import { Bench } from './command.ts';

const root = dirname(dirname(import.meta.dirname));

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited++) {
    assert.ok(waited < 600, what);
    await sleep(50);
  }
}

function syncs(text: string): { readonly [path: string]: string } {
  return { 'syncline.yaml': `syncs:\n${text.replaceAll(/^(?=.)/gm, '  ')}` };
}

const copy = 'copy:\n  sync: {origins: a, target: b}\n';

test('syncs of a file are run in its order, or in the order they are named in', async () => {
  using bench = new Bench();
  bench.write({ 'a/1.txt': 'one', ...syncs(`${copy}onward:\n  sync:\n    origins: [b]\n    target: c\n  include: ["*.txt"]\n`) });
  const { code, stdout } = await bench.syncline(['run']);
  assert.equal(code, 0);
  assert.match(stdout, /^copy:\n[^]*done: 1 change[^]*\nonward:\n[^]*done: 1 change/);
  assert.equal(readFileSync(bench.at('c/1.txt'), 'utf8'), 'one');
  bench.write({ 'a/2.txt': 'two' });
  const turned = await bench.syncline(['run', 'onward', 'copy', '--report', 'json']);
  const { runs } = JSON.parse(turned.stdout) as { readonly runs: readonly { readonly sync: string; readonly counts: { readonly created: number } }[] };
  assert.deepEqual(runs.map(({ sync, counts }) => [sync, counts.created]), [['onward', 0], ['copy', 1]]);
});

test('a table is kept in step with a directory by the name of a sync, both ways', async () => {
  using bench = new Bench();
  using database = new DatabaseSync(bench.at('app.db'));
  database.exec("create table orders (id text primary key, updated text, state text); insert into orders values ('1', '2015-01-10T00:00:00Z', 'open')");
  bench.write({ 'data/orders/2.yaml': 'id: "2"\nupdated: "2015-01-11T00:00:00Z"\nstate: paid\n', ...syncs('orders:\n  merge: {left: "sqlite:app.db?modified=updated", right: "./data"}\n  newest: true\n  modified: updated\n  schema: simple\n') });
  const { code, stdout, stderr } = await bench.syncline(['run', 'orders']);
  assert.equal(code, 0, stdout + stderr);
  assert.deepEqual(database.prepare('select id, state from orders order by id').all().map((row) => ({ ...row })), [{ id: '1', state: 'open' }, { id: '2', state: 'paid' }]);
  assert.match((await bench.syncline(['run'])).stdout, /nothing to do/);
});

test('names of files begin at the folder of the file, and it can be named', async () => {
  using bench = new Bench();
  bench.write({ 'deep/a/1.txt': 'one', 'deep/my.yaml': syncs(copy)['syncline.yaml']! });
  assert.equal((await bench.syncline(['run', '--config', 'deep/my.yaml', '--state', 'own.db'])).code, 0);
  assert.deepEqual([existsSync(bench.at('deep/b/1.txt')), existsSync(bench.at('own.db'))], [true, true]);
});

test('one sync that fails does not keep the next from being run, and the exit code is the highest', async () => {
  using bench = new Bench();
  bench.write({ 'a/1.txt': 'one', ...syncs(`lost:\n  sync: {origins: nowhere, target: x}\n${copy}`) });
  const { code, stderr } = await bench.syncline(['run']);
  assert.equal(code, 3);
  assert.match(stderr, /syncline: lost: .*nowhere/);
  assert.ok(existsSync(bench.at('b/1.txt')));
  const { stdout } = await bench.syncline(['history']);
  assert.match(stdout, /lost: nothing done in .*, exit 3\n {4}.*nowhere.*\n.*copy: 1 created/);
});

test('what is wrong with the file is told with file, line and what is allowed', async () => {
  const cases: readonly (readonly [text: string, says: RegExp])[] = [
    [`${copy}  delte: true\n`, /syncline\.yaml:4: "delte" is not allowed in sync, did you mean delete\? \(allowed: sync, cron, .*max-deletes/],
    ['copy:\n  delete: true\n', /syncline\.yaml:2: copy has to have sync or merge$/],
    [`${copy}  merge: {left: a, right: b}\n`, /:2: copy has to have one of sync and merge, and not both/],
    ['copy:\n  sync:\n    origins: a\n', /:3: sync has no target/],
    ['copy:\n  merge: {left: a, right: 3}\n', /:3: right has to be a text/],
    [`${copy}  delete: 3\n`, /:4: delete has to be true or false/],
    [`${copy}  follow: some\n`, /:4: follow has to be all, child, page or none, and "some" is none of them/],
    [`${copy}  include:\n    - a\n    - [b]\n`, /:6: item 2 of include has to be a text or a number/],
    [`${copy}  limit: none\n`, /:4: limit must be a whole number of 1 or more/],
    [`${copy}  delete: true\n  max-deletes: many\n`, /:5: max-deletes must be a count/],
    [`${copy}  max-deletes: 3\n`, /:2: --max-deletes says how much --delete may delete/],
    [`${copy}  checksum: true\n  size-only: true\n`, /:4: checksum and size-only cannot both be given/],
    [`${copy}  state: x.db\n`, /:4: "state" is not an option of a sync: give it to syncline run, as --state/],
    [`${copy}  watch: true\n`, /:4: "watch" is not an option of a sync: a sync has every or cron/],
    [`${copy}  every: soon\n`, /:4: every must be a time such as 90s/],
    [`${copy}  every: 1m\n  cron: "* * * * *"\n`, /:5: every and cron cannot both be given/],
    [`${copy}  cron: "61 * * * *"\n`, /:4: cron "61 \* \* \* \*" is not a time of five parts/],
    [`${copy}  cron: "0 0 30 2 *"\n`, /:4: cron "0 0 30 2 \*" never comes/],
    [`${copy}  cron: "0 0 * * *"\n  timezone: Europe/Nowhere\n`, /: "Europe\/Nowhere" is not a time zone/],
    [`${copy}  timezone: UTC\n`, /timezone says what cron means, and there is no cron/],
    ['copy:\n  sync: {origins: "ftp://x/y", target: b}\n', /:3: ftp:\/\/ is not a kind of place/],
    ['"a b":\n  sync: {origins: a, target: b}\n', /:2: "a b" has to be up to 64 letters/],
    ['copy: [\n', /syncline\.yaml:\d: /],
    ['{}\n', /:1: syncs is empty|:2: syncs is empty/],
    ['copy:\n', /:2: copy has to be a mapping, and there is nothing/],
  ];
  for (const [text, says] of cases) {
    using bench = new Bench();
    bench.write({ 'a/1.txt': 'one', ...syncs(text) });
    assert.throws(() => loadSyncs(bench.at('syncline.yaml'), {}).sync('copy'), (error: SyncError) => says.test(error.sentence) && error.code === (text.includes('[\n') ? 'corrupt' : 'invalid'), text);
  }
  using bench = new Bench();
  bench.write(syncs(cases[0]![0]));
  const { code, stderr } = await bench.syncline(['run']);
  assert.deepEqual([code, cases[0]![1].test(stderr)], [2, true]);
});

test('a file that is not there, and a sync that is not in it, are told', async () => {
  using bench = new Bench();
  const missing = await bench.syncline(['run']);
  assert.deepEqual([missing.code, missing.stderr.includes('there is no syncline.yaml')], [3, true]);
  bench.write(syncs(copy));
  const strange = await bench.syncline(['run', 'kopie']);
  assert.deepEqual([strange.code, strange.stderr], [2, 'syncline: "kopie" is no sync of syncline.yaml: name one of copy\n']);
});

test('variables and files are filled in, and what is missing is told', async () => {
  using bench = new Bench();
  const text = 'copy:\n  sync: {origins: "${FROM}", target: "${file:where}/${DEEP:-deep}"}\n  include: ["$${x}", "*.txt"]\n';
  bench.write({ 'a/1.txt': 'one', 'a/$x': 'two', 'where': 'b\n', ...syncs(text) });
  const unset = await bench.syncline(['run']);
  assert.deepEqual([unset.code, unset.stderr], [2, 'syncline: syncline.yaml:3: ${FROM} is not set: set FROM, or write ${FROM:-text}\n']);
  assert.equal((await bench.syncline(['run'], { environment: { FROM: './a' } })).code, 0);
  assert.deepEqual([existsSync(bench.at('b/deep/1.txt')), existsSync(bench.at('b/deep/$x'))], [true, true]);
});

test('a secret ends up nowhere: it is not filled in, and a place with a password is refused', async () => {
  using bench = new Bench();
  const environment = { DB_PASSWORD: 'hunter2', URL: 'postgres://ada:hunter2@localhost/app', N: 'hunter2' };
  const places = ['postgres://ada:${DB_PASSWORD}@localhost/app', '${URL}', 'postgres://ada:hunter2@localhost/app', 'http://ada:hunter2@127.0.0.1:1/x', '${file:password}'];
  const texts = [...places.map((place) => `copy:\n  sync: {origins: "${place}", target: b}\n`), `${copy}  limit: "\${N}"\n`, `${copy}  bandwidth: "\${N},x"\n`];
  texts.push(`${copy}  include: ["\${DB_PASSWORD}"]\n`);
  for (const text of texts) {
    bench.write({ 'password': 'hunter2', ...syncs(text) });
    const { code, stdout, stderr } = await bench.syncline(['run', '--debug'], { environment });
    assert.equal(code, 2, text);
    assert.match(stderr, /syncline\.yaml:\d: /);
    assert.equal((stdout + stderr).includes('hunter2'), false, stdout + stderr);
  }
});

test('a sync is not run while another run of its configuration is under way', async () => {
  using bench = new Bench();
  bench.write({ 'a/1.yaml': 'id: 1\n', ...syncs('both:\n  merge: {left: a, right: b}\n') });
  await bench.syncline(['merge', 'a', 'b']);
  assert.equal((await bench.syncline(['run'])).code, 0);
  const database = new DatabaseSync(bench.at('.state/syncline/state.db'));
  const { configuration } = database.prepare('select configuration from locks').get() as { readonly configuration: string };
  database.close();
  {
    await using state = openState(bench.at('.state/syncline/state.db'));
    assert.ok('token' in state.locks.take(configuration, { holder: `process ${process.pid} on ${hostname()}`, sinceMs: Date.now(), untilMs: Date.now() + 60_000 }));
  }
  const { code, stderr } = await bench.syncline(['run']);
  assert.equal(code, 3);
  assert.match(stderr, /both: another run of this configuration is under way/);
});

test('a dry run of a sync only looks', async () => {
  using bench = new Bench();
  bench.write({ 'a/1.txt': 'one', ...syncs(copy) });
  const { code, stdout } = await bench.syncline(['run', '--dry-run']);
  assert.equal(code, 0);
  assert.match(stdout, /^copy:\n.*create 1\.txt/);
  assert.equal(existsSync(bench.at('b')), false);
});

test('syncs are run at their times until they are told to end, and it is told how they stand', async () => {
  using bench = new Bench();
  bench.write({ 'a/1.txt': 'one', ...syncs(`${copy}  every: 300ms\nonward:\n  sync: {origins: b, target: c}\n  cron: "* * * * * *"\n  timezone: Asia/Kathmandu\nnever:\n  sync: {origins: a, target: d}\nlost:\n  sync: {origins: nowhere, target: d}\n  every: 400ms\n`) });
  const { code, stdout, stderr } = await bench.syncline(['run', '--scheduled', '--report', 'ndjson', '--health', 'health.json', '--metrics', 'metrics.prom'], {
    meanwhile: (child) => void (async () => {
      await until('both came', () => existsSync(bench.at('c/1.txt')));
      bench.write({ 'a/2.txt': 'two' });
      await until('what is new came', () => existsSync(bench.at('c/2.txt')));
      child.kill('SIGTERM');
    })(),
  });
  assert.equal(code, 0, stderr);
  assert.equal(existsSync(bench.at('d')), false);
  const reports = stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as { readonly event: string; readonly sync: string; readonly exitCode?: number }).filter(({ event }) => event === 'report');
  assert.deepEqual([...new Set(reports.map(({ sync }) => sync))].toSorted(), ['copy', 'lost', 'onward']);
  assert.deepEqual([...new Set(reports.filter(({ sync }) => sync === 'lost').map(({ exitCode }) => exitCode))], [3]);
  const health = JSON.parse(readFileSync(bench.at('health.json'), 'utf8')) as { readonly syncs: { readonly [name: string]: { readonly state: string; readonly changes: object; readonly lastError: { readonly message: string } | null } } };
  assert.deepEqual([health.syncs['onward']?.state, health.syncs['onward']?.changes], ['stopped', { created: 2, updated: 0, deleted: 0 }]);
  assert.match(health.syncs['lost']?.lastError?.message ?? '', /nowhere/);
  assert.match(readFileSync(bench.at('metrics.prom'), 'utf8'), /syncline_changes_total\{sync="copy",change="created"\} 2\n/);
});

test('a time that was missed is made up for once, and so is a run that was cut off', async () => {
  using bench = new Bench();
  bench.write({ 'a/1.txt': 'one', ...syncs(`${copy}  cron: "0 0 1 * *"\n`) });
  await bench.syncline(['run']);
  rmSync(bench.at('b'), { recursive: true });
  const change = async (sql: string): Promise<void> => {
    const database = new DatabaseSync(bench.at('.state/syncline/state.db'));
    database.exec(sql);
    database.close();
  };
  const scheduled = async (): Promise<number> => {
    const { stdout } = await bench.syncline(['run', '--scheduled', '--report', 'ndjson', '--health', 'health.json'], {
      meanwhile: (child) => void (async () => {
        await until('it waits', () => existsSync(bench.at('health.json')) && /"state": "waiting",[^]*"nextRunAt": "....-..-(?:01|2\d|3\d)/.test(readFileSync(bench.at('health.json'), 'utf8')) && !/"nextRunAt": null/.test(readFileSync(bench.at('health.json'), 'utf8')));
        await sleep(1_000);
        child.kill('SIGTERM');
      })(),
    });
    rmSync(bench.at('health.json'));
    return stdout.split('\n').filter((line) => line.includes('"event":"report"')).length;
  };
  assert.equal(await scheduled(), 0);
  await change('update runs set started = started - 100 * 86400000');
  assert.equal(await scheduled(), 1);
  await change('update runs set ended = null, exit = null where id = (select max(id) from runs)');
  assert.equal(await scheduled(), 1);
});

test('a schedule is needed, and options of it belong to it', async () => {
  using bench = new Bench();
  bench.write(syncs(copy));
  for (const [args, says] of [[['run', '--scheduled'], /no sync has times/], [['run', '--scheduled', 'copy'], /copy has no times/], [['run', '--health', 'h'], /--health is about runs at their times/], [['run', '--no-state'], /unknown option/]] as const) {
    const { code, stderr } = await bench.syncline(args);
    assert.equal(code, 2);
    assert.match(stderr, says);
  }
});

test('every run is remembered, those of a command line as well', async () => {
  using bench = new Bench();
  bench.write({ 'a/1.txt': 'one', ...syncs(copy) });
  await bench.syncline(['sync', 'a', 'c']);
  await bench.syncline(['run']);
  await bench.syncline(['merge', 'a', 'd']);
  const history = async (...args: readonly string[]): Promise<readonly { readonly id: string; readonly name: string; readonly exitCode: number; readonly counts: { readonly created: number } }[]> => JSON.parse((await bench.syncline(['history', '--report', 'json', ...args])).stdout);
  const all = await history();
  assert.deepEqual(all.map(({ name, exitCode, counts }) => [name, exitCode, counts.created]), [['sync a to c', 0, 1], ['copy', 0, 1], ['merge a and d', 0, 1]]);
  assert.deepEqual((await history('copy')).map(({ name }) => name), ['copy']);
  assert.deepEqual((await history(all[0]!.id)).map(({ name }) => name), ['sync a to c']);
  assert.deepEqual((await history('--last', '1')).map(({ name }) => name), ['merge a and d']);
});

test('the names of syncs are completed', async () => {
  using bench = new Bench();
  bench.write({ ...syncs(`${copy}other: 3\n`), 'my.yaml': 'syncs: {mine: }\n' });
  const answer = async (...words: readonly string[]): Promise<readonly string[]> => (await bench.syncline(['complete', '--', ...words])).stdout.trimEnd().split('\n').slice(0, -1).map((line) => line.split('\t')[0]!);
  assert.deepEqual(await answer('run', ''), ['copy', 'other']);
  assert.deepEqual(await answer('history', 'o'), ['other']);
  assert.deepEqual(await answer('run', '--config', 'my.yaml', ''), ['mine']);
  assert.deepEqual(await answer('run', '--config', 'no.yaml', ''), []);
});

test('the schema that is published is the description that files are checked by', () => {
  assert.equal(readFileSync(join(root, 'syncline.schema.json'), 'utf8'), `${JSON.stringify(fileDescription(), null, 2)}\n`, 'npm run schema writes it anew');
});

test('an interruption ends the run under way with a report, and those after it are not begun', async () => {
  using bench = new Bench();
  bench.write({ ...Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`a/${i}.txt`, 'x'.repeat(1_000)])), ...syncs(`slow:\n  sync: {origins: a, target: b}\n  bandwidth: "4k"\n  concurrency: 1\nnext:\n  sync: {origins: a, target: c}\n`) });
  const { code, stdout } = await bench.syncline(['run', '--report', 'json'], {
    meanwhile: (child) => void until('the first run is under way', () => existsSync(bench.at('b/1.txt'))).then(() => child.kill('SIGTERM')),
  });
  const { runs } = JSON.parse(stdout) as { readonly runs: readonly { readonly sync: string; readonly exitCode: number; readonly interrupted: boolean }[] };
  assert.deepEqual([code, runs.map(({ sync, exitCode, interrupted }) => [sync, exitCode, interrupted])], [130, [['slow', 130, true]]]);
  assert.equal(existsSync(bench.at('c')), false);
  assert.match((await bench.syncline(['history'])).stdout, /slow: .*, exit 130/);
});

test('syncs share options by an alias to what stands under a name of its own', async () => {
  using bench = new Bench();
  bench.write({ 'a/1.txt': 'one', 'a/1.tmp': 'two', 'syncline.yaml': 'x-common: &common\n  exclude: ["*.tmp"]\n  delete: true\nsyncs:\n  copy:\n    <<: *common\n    sync: {origins: a, target: b}\n' });
  assert.equal((await bench.syncline(['run'])).code, 0);
  assert.deepEqual([existsSync(bench.at('b/1.txt')), existsSync(bench.at('b/1.tmp'))], [true, false]);
});

test('an option means what it means on a command line', () => {
  using bench = new Bench();
  const valuesOf = (kind: 'sync' | 'merge', ...lines: readonly string[]): object => {
    bench.write(syncs(`one:\n  ${kind === 'sync' ? 'sync: {origins: [a, b], target: c}' : 'merge: {left: a, right: b}'}\n${lines.map((line) => `  ${line}\n`).join('')}`));
    return loadSyncs(bench.at('syncline.yaml'), {}).sync('one').values;
  };
  assert.deepEqual(valuesOf('sync', 'json: true', 'limit: 30', 'include: x', 'exclude: [y, 3]', 'checksum: false', 'size-only: true'), { format: 'json', limit: 30, include: ['x'], exclude: ['y', '3'], sizeOnly: true });
  assert.deepEqual(valuesOf('sync', 'delete: true', 'max-delete: 10%', 'max-duration: 90', 'timeout: 1.5'), { delete: true, maxDeletes: { share: 0.1 }, maxDuration: 90_000, timeout: 1.5 });
  assert.deepEqual(valuesOf('merge', 'delete: false'), { delete: false });
  assert.deepEqual(valuesOf('merge', 'no-delete: true'), { delete: false });
  assert.deepEqual(valuesOf('merge', 'newest: true', 'from: 2015-01-31', 'every: 60s'), { newest: true, from: '2015-01-31' });
});
