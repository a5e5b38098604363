import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { startExampleApi } from '../../examples/api/server.ts';
import { Bench, resource, steady } from './command.ts';

function line(id: string, colour = 'red'): { readonly type: string; readonly id: string; readonly fields: { readonly colour: string } } {
  return { type: 'line', id, fields: { colour } };
}

test('a capture says what it did per type, and a second one that there is nothing to do', async () => {
  using bench = new Bench();
  await using api = await startExampleApi({ resources: [line('T1'), line('T2'), { type: 'stop', id: 's', fields: {}, parents: { line: 'line/T1' } }] });
  const first = await bench.syncline(['sync', '--follow', 'all', `${api.url}/api`, 'data']);
  assert.deepEqual({ ...first, stdout: steady(first.stdout) }, {
    code: 0, stderr: '', stdout: [
      '       read  created  unchanged',
      'line      2        2          ·',
      'stop      1        1          ·',
      'total     3        3          ·',
      'done: 3 changes in <time>', '',
    ].join('\n'),
  });
  const second = await bench.syncline(['sync', '--follow', 'all', `${api.url}/api`, 'data']);
  assert.match(second.stdout, /\nin step, nothing to do /);
});

test('a diff shows what changes in each document, and exits with 1 when there is something to do', async () => {
  using bench = new Bench();
  bench.write({
    ...prefixed('a', { ...resource('foo', '1', { name: 'new', same: 1 }), ...resource('foo', '2', { name: 'two' }), ...resource('foo', '4') }),
    ...prefixed('b', { ...resource('foo', '1', { name: 'old', same: 1 }), ...resource('foo', '3', { name: 'three' }), ...resource('foo', '4') }),
  });
  const { code, stdout, stderr } = await bench.syncline(['diff', '--as', 'documents', '--delete', 'a', 'b']);
  assert.deepEqual({ code, stderr }, { code: 1, stderr: '' });
  assert.equal(steady(stdout), [
    '~ update foo/1',
    '    @@ -2,5 +2,5 @@',
    '       self:',
    '         href: /api/foo/1',
    '     id: "1"',
    '    -name: old',
    '    +name: new',
    '     same: 1',
    '+ create foo/2',
    '    @@ -0,0 +1,5 @@',
    '    +_links:',
    '    +  self:',
    '    +    href: /api/foo/2',
    '    +id: "2"',
    '    +name: two',
    '- delete foo/3',
    '    @@ -1,5 +0,0 @@',
    '    -_links:',
    '    -  self:',
    '    -    href: /api/foo/3',
    '    -id: "3"',
    '    -name: three',
    '     read  created  updated  deleted  unchanged',
    'foo     3        1        1        1          1',
    '3 changes to make (<time>)', '',
  ].join('\n'));
  const listed = await bench.syncline(['diff', '--as', 'documents', '--summary', 'a', 'b']);
  assert.equal(steady(listed.stdout), [
    '~ update foo/1', '+ create foo/2',
    '     read  created  updated  unchanged  kept',
    'foo     3        1        1          1     1',
    '1 entry only at the destination, which --delete would remove',
    '2 changes to make (<time>)', '',
  ].join('\n'));
});

test('a dry run prints the plan, changes nothing and exits with 0', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1', 'b/y': '2' });
  const { code, stdout } = await bench.syncline(['sync', '--dry-run', '--delete', '--max-deletes', 'all', 'a', 'b']);
  assert.equal(code, 0);
  assert.match(stdout, /^\+ create x\n- delete y\n/);
  assert.deepEqual([readFileSync(bench.at('b/y'), 'utf8'), statSync(bench.at('b/x'), { throwIfNoEntry: false })], ['2', undefined]);
});

test('what a diff announces is what sync then does', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1', 'a/y': 'new', 'b/y': 'older', 'b/z': '3', 'b/w': '4', 'a/w': '4' });
  const planned = JSON.parse((await bench.syncline(['diff', '--delete', '--report', 'json', 'a', 'b'])).stdout) as { counts: object };
  const done = JSON.parse((await bench.syncline(['sync', '--delete', '--report', 'json', 'a', 'b'])).stdout) as { counts: object };
  assert.deepEqual(planned.counts, done.counts);
  assert.equal((await bench.syncline(['verify', 'a', 'b'])).code, 0);
});

test('verify names the keys that differ', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1', 'a/y': '1', 'b/y': 'two', 'b/z': '3', 'a/same': '1', 'b/same': '1' });
  const { code, stdout } = await bench.syncline(['verify', 'a', 'b']);
  assert.equal(code, 1);
  assert.equal(stdout, '+ x only in the first place\n~ y differs\n- z only in the last place\nnot equal: 3 keys differ, 1 the same\n');
});

test('verify names what differs beside what could not be read, and proves nothing then', async () => {
  using bench = new Bench();
  bench.write({ 'a/t/1.yaml': 'id: 1\n', 'b/t/1.yaml': 'id: 1\n', 'a/t/2.yaml': 'id: [\n' });
  const verify = async (): Promise<readonly [number | null, string]> => {
    const { code, stdout } = await bench.syncline(['verify', '--as', 'documents', '--schema', 'simple', 'a', 'b']);
    return [code, stdout];
  };
  const [code, unproven] = await verify();
  assert.equal(code, 1);
  assert.match(unproven, /^cannot read .*a\/t\/2\.yaml.*\nnot proven: 1 the same, 1 could not be read\n$/);
  bench.write({ 'b/t/3.yaml': 'id: 3\n' });
  assert.match((await verify())[1], /^- t\/3 only in the last place\ncannot read .*\nnot equal: 1 key differs, 1 the same, 1 could not be read\n$/);
});

test('verify believes no size and no time: it reads', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1', 'b/x': '2' });
  for (const path of ['a/x', 'b/x']) utimesSync(bench.at(path), 1_000, 1_000);
  const { code, stdout } = await bench.syncline(['verify', 'a', 'b']);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: '~ x differs\nnot equal: 1 key differs, 0 the same\n' });
});

test('verify names fields and types of documents, and repairs the last place where asked', async () => {
  using bench = new Bench();
  bench.write({ 'a/order/1.json': '{"id":"1","to":{"city":"Ulm"}}', 'b/order/1.json': '{"id":"1","to":{"city":"Bonn"}}', 'a/line/2.json': '{"id":"2"}', 'b/line/2.json': '{"id":"2"}', 'b/line/3.json': '{"id":"3"}' });
  const verify = async (...options: readonly string[]): Promise<readonly [number, string]> => {
    const { code, stdout } = await bench.syncline(['verify', '--as', 'documents', '--schema', 'simple', ...options, 'a', 'b']);
    return [code!, stdout];
  };
  assert.deepEqual(await verify(), [1, '~ order/1 differs in to.city\n- line/3 only in the last place\nline: 1 the same, 1 only in the last place\norder: 0 the same, 1 differs\nnot equal: 2 keys differ, 1 the same\n']);
  assert.deepEqual(await verify('--repair'), [1, '~ order/1 replaced\n- line/3 only in the last place\nnot equal: 1 key repaired and read again, 1 key still differs\n']);
  assert.deepEqual(await verify('--repair', '--delete'), [0, '- line/3 deleted\nequal: 1 key repaired and read again, 2 the same\n']);
  assert.deepEqual(await verify(), [0, 'equal: 2 entries\n']);
  const { repaired, equal, differing } = JSON.parse((await verify('--repair', '--report', 'json'))[1]) as { [name: string]: unknown };
  assert.deepEqual([equal, repaired, differing], [true, [], []]);
});

test('a report for programs is one object with everything in it', async () => {
  using bench = new Bench();
  bench.write({ 'a/t/x': '1' });
  const { code, stdout, stderr } = await bench.syncline(['sync', '--report', 'json', 'a', 'b']);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const { version, durationMs, ...report } = JSON.parse(stdout) as { [name: string]: unknown };
  assert.equal(typeof durationMs, 'number');
  assert.match(String(version), /^\d+\.\d+\.\d+$/);
  const counts = { read: 1, created: 1, updated: 0, deleted: 0, unchanged: 0, skipped: 0, failed: 0, kept: 0, conflicts: 0, quarantined: 0 };
  assert.deepEqual(report, {
    program: 'syncline', command: 'sync', exitCode: 0, origins: ['a'], destination: 'b', dryRun: false,
    counts, types: { t: counts }, settled: 0, unguarded: report['unguarded'], differences: 0, problems: 0, outstanding: 0, complete: true, interrupted: false, failures: [], warnings: [],
  });
});

test('a report in lines tells every event, and the whole in the last one', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1', 'b/y': '2', 'b/z': '2', 'a/z': '2' });
  const { stdout } = await bench.syncline(['sync', '--delete', '--report', 'ndjson', 'a', 'b']);
  const lines = stdout.trimEnd().split('\n').map((text) => JSON.parse(text) as { event: string; action?: string; key?: string });
  const done = lines.filter(({ event }) => event === 'done').map(({ action, key }) => `${action} ${key}`);
  assert.deepEqual(done.filter((text) => !text.endsWith(' z')).sort(), ['create x', 'delete y']);
  assert.equal(lines.at(-1)?.event, 'report');
});

test('a run that is refused or broken off is an object as well', async () => {
  using bench = new Bench();
  const { code, stdout } = await bench.syncline(['sync', '--report', 'json', 'nothing-here', 'b']);
  const report = JSON.parse(stdout) as { exitCode: number; error: { code: string; message: string } };
  assert.equal(report.exitCode, code);
  assert.match(report.error.message, /nothing-here/);
});

test('each way of ending has its own exit code', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1', 'b/x': '1', 'b/y': '2', 'b/z': '3', 'empty/.keep': '', 'file': '', ...prefixed('bad', { 'foo/1.yaml': 'a: [\n' }) });
  rmSync(bench.at('empty/.keep'));
  await using api = await startExampleApi({ resources: [line('T1')], faults: [{ path: '/api/line', status: 401, times: 99 }, { path: '/api/stop', status: 503, times: 99 }] } as Parameters<typeof startExampleApi>[0]);
  const endings: readonly (readonly [args: readonly string[], code: number, says: RegExp])[] = [
    [['sync', 'a', 'new'], 0, /^$/],
    [['diff', 'a', 'b'], 0, /^$/],
    [['diff', '--delete', 'a', 'b'], 1, /^$/],
    [['sync', 'bad', 'out.yaml'], 1, /bad/],
    [['sync', 'missing', 'out0'], 3, /missing/],
    [['sync', 'file', 'out'], 2, /file/],
    [['sync', '--max-attempts', '1', 'http://127.0.0.1:1/', 'out'], 3, /127\.0\.0\.1:1/],
    [['sync', '--max-attempts', '1', `${api.url}/api/line`, 'out'], 3, /401|denied|credentials/],
    [['sync', '--max-attempts', '1', `${api.url}/api/stop`, 'out'], 3, /503/],
    [['sync', '--delete', 'a', 'b'], 4, /refusing to delete 2 of 3 .*--max-deletes 2/],
    [['sync', '--delete', 'empty', 'b'], 4, /the source is empty/],
  ];
  await Promise.all(endings.map(async ([args, code, says]) => {
    const ended = await bench.syncline(args);
    assert.equal(ended.code, code, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
    assert.match(code === 0 ? '' : code === 1 ? ended.stdout.replace(/^.*to make.*$/s, '') : ended.stderr, says, args.join(' '));
    assert.doesNotMatch(ended.stdout + ended.stderr, /\n {4}at /, 'a stack trace was printed');
  }));
  assert.deepEqual([readFileSync(bench.at('b/y'), 'utf8'), readFileSync(bench.at('b/z'), 'utf8')], ['2', '3'], 'a refused run deleted something');
});

test('a stack is printed for --debug alone', async () => {
  using bench = new Bench();
  const { stderr } = await bench.syncline(['sync', '--debug', 'missing', 'b']);
  assert.match(stderr, /\n {4}at /);
});

test('--quiet prints nothing while all is well', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1' });
  assert.deepEqual(await bench.syncline(['sync', '--quiet', 'a', 'b']), { code: 0, stdout: '', stderr: '' });
});

test('--verbose names every request and every write', async () => {
  using bench = new Bench();
  await using api = await startExampleApi({ resources: [line('T1')] });
  const { stderr } = await bench.syncline(['sync', '--verbose', `${api.url}/api/line`, 'data']);
  assert.match(stderr, /GET http:\/\/127\.0\.0\.1:\d+\/api\/line/);
  assert.match(stderr, /created line\/T1/);
});

test('when the destination is standard output, nothing else is written to it', async () => {
  using bench = new Bench();
  bench.write(prefixed('a', { ...resource('foo', '2', {}, 'foo/1'), ...resource('foo', '1') }));
  const { code, stdout, stderr } = await bench.syncline(['sync', '--json', 'a', '-']);
  assert.equal(code, 0);
  assert.deepEqual(stdout.trimEnd().split('\n').map((text) => (JSON.parse(text) as { id: string }).id), ['1', '2']);
  assert.match(stderr, /done: 2 changes/);
});

test('documents on standard input are read whatever their form', async () => {
  using bench = new Bench();
  const document = { id: '1', _links: { self: { href: '/api/foo/1' } } };
  for (const input of [JSON.stringify(document), `---\n${JSON.stringify(document)}\n---\n`, 'id: "1"\n_links: {self: {href: /api/foo/1}}\n']) {
    rmSync(bench.at('out'), { recursive: true, force: true });
    const { code, stderr } = await bench.syncline(['sync', '-', 'out'], { input });
    assert.equal(code, 0, stderr);
    assert.match(readFileSync(bench.at('out/foo/1.yaml'), 'utf8'), /id: "1"/);
  }
});

test('keys are included and excluded by pattern, on both sides alike', async () => {
  using bench = new Bench();
  bench.write({ 'a/foo/1': '1', 'a/foo/2': '2', 'a/bar/1': '1', 'b/foo/9': '9', 'b/bar/9': '9', 'b/foo/2': 'kept' });
  const { code, stdout } = await bench.syncline(['sync', '--delete', '--max-deletes', 'all', '--include', 'foo', '--exclude', '*/2', 'a', 'b']);
  assert.equal(code, 0, stdout);
  assert.equal((await bench.syncline(['diff', '--summary', '--delete', 'a', 'b'])).stdout.split('\n').filter((text) => /^[-+~]/.test(text)).sort().join(), '+ create bar/1,- delete bar/9,~ update foo/2');
});

test('a merge carries edits and deletions both ways from what it remembers', async () => {
  using bench = new Bench();
  bench.write({ ...prefixed('a', { ...resource('foo', '1'), ...resource('foo', '2'), ...resource('foo', '3') }) });
  assert.equal((await bench.syncline(['merge', '--as', 'documents', 'a', 'b'])).code, 0);
  rmSync(bench.at('a/foo/1.yaml'));
  bench.write(prefixed('b', resource('foo', '2', { name: 'edited' })));
  const { code, stdout } = await bench.syncline(['merge', '--as', 'documents', 'a', 'b']);
  assert.equal(code, 0, stdout);
  assert.match(readFileSync(bench.at('a/foo/2.yaml'), 'utf8'), /edited/);
  assert.equal(statSync(bench.at('b/foo/1.yaml'), { throwIfNoEntry: false }), undefined);
  assert.match((await bench.syncline(['merge', '--as', 'documents', 'a', 'b'])).stdout, /in step/);
});

test('a merge with an API infers no deletion from a listing, which may not be all the API holds', async () => {
  using bench = new Bench();
  await using api = await startExampleApi({ resources: [line('T1'), { type: 'stop', id: 's', fields: {} }, { type: 'stop', id: 't', fields: {} }] });
  assert.equal((await bench.syncline(['sync', '--follow', 'all', `${api.url}/api`, 'data'])).code, 0);
  for (let i = 0; i < 2; i++) assert.equal((await bench.syncline(['merge', '--max-deletes', 'all', 'data', `${api.url}/api/stop`])).code, 0);
  assert.ok(statSync(bench.at('data/line/T1.yaml')).isFile());
  assert.equal(Object.keys(api.dump()).length, 3);
});

test('a merge with an API carries deletions both ways', async () => {
  using bench = new Bench();
  await using api = await startExampleApi({ resources: ['s', 't', 'u'].map((id) => ({ type: 'stop', id, fields: {} })) });
  mkdirSync(bench.at('data'));
  assert.equal((await bench.syncline(['merge', 'data', `${api.url}/api/stop`])).code, 0);
  rmSync(bench.at('data/stop/s.yaml'));
  assert.equal((await fetch(`${api.url}/api/stop/t`, { method: 'DELETE' })).status, 204);
  const { code, stdout, stderr } = await bench.syncline(['merge', '--max-deletes', 'all', 'data', `${api.url}/api/stop`]);
  assert.equal(code, 0, stdout + stderr);
  assert.deepEqual(Object.keys(api.dump()), ['/api/stop/u']);
  assert.deepEqual(readdirSync(bench.at('data/stop')), ['u.yaml']);
  assert.match((await bench.syncline(['merge', 'data', `${api.url}/api/stop`])).stdout, /in step/);
});

test('where an API does not list a collection, nothing is deleted or said to be equal', async () => {
  using bench = new Bench();
  await using api = await startExampleApi({ resources: ['s', 't'].map((id) => ({ type: 'stop', id, fields: {} })) });
  assert.equal((await bench.syncline(['sync', `${api.url}/api/stop`, 'data'])).code, 0);
  rmSync(bench.at('data/stop/t.yaml'));
  for (const status of [403, 405, 500]) {
    await using deaf = await startExampleApi({ resources: ['s', 't'].map((id) => ({ type: 'stop', id, fields: {} })), faults: [{ method: 'GET', path: '/api/stop', status, times: Infinity }] });
    const verified = await bench.syncline(['verify', '--max-attempts', '1', 'data', deaf.url]);
    assert.equal(verified.code, 1, verified.stdout + verified.stderr);
    const { code, stdout } = await bench.syncline(['sync', '--delete', '--max-deletes', 'all', '--max-attempts', '1', 'data', deaf.url]);
    assert.equal(code, 1, stdout);
    assert.match(stdout, /cannot read \/api\/stop of/);
    assert.equal(Object.keys(deaf.dump()).length, 2);
  }
});

test('a dry run says what the guard would say', async () => {
  using bench = new Bench();
  bench.write({ 'a/1': '1', 'b/1': '1', 'b/2': '1', 'b/3': '1' });
  const { code, stdout } = await bench.syncline(['sync', '--delete', '--dry-run', 'a', 'b']);
  assert.equal(code, 0);
  assert.match(stdout, /a sync would end here: refusing to delete 2 of 3/);
  assert.equal((await bench.syncline(['sync', '--delete', 'a', 'b'])).code, 4);
});

test('a dry run refuses the members of a cycle as the run itself does', async () => {
  using bench = new Bench();
  await using api = await startExampleApi({ resources: [] });
  bench.write({ 'data/foo/1.yaml': 'id: 1\n_links: {self: {href: /api/foo/1}, parent:foo: {href: /api/foo/2}}\n', 'data/foo/2.yaml': 'id: 2\n_links: {self: {href: /api/foo/2}, parent:foo: {href: /api/foo/1}}\n' });
  const planned = await bench.syncline(['sync', '--dry-run', 'data', api.url]);
  const done = await bench.syncline(['sync', 'data', api.url]);
  for (const { stdout } of [planned, done]) assert.match(stdout, /depend on each other in a cycle: foo\//);
  assert.deepEqual([planned.code, done.code], [1, 1]);
});

test('control characters in keys and documents do not reach the terminal', async () => {
  using bench = new Bench();
  bench.write({ 'a/x\u001b[31m': 'red \u001b]0;title\u0007\n', 'b/y': '' });
  const { stdout } = await bench.syncline(['diff', 'a', 'b']);
  assert.match(stdout, /x\\u001b\[31m/);
  assert.ok(!/[\u0000-\u0008\u000b-\u001f\u007f]/.test(stdout), 'a control character was printed');
});

test('the state file is for its owner alone, and lies where it is told', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1' });
  await bench.syncline(['sync', 'a', 'b']);
  await bench.syncline(['sync', '--state', 'mine.db', 'a', 'b']);
  for (const path of ['.state/syncline/state.db', 'mine.db']) assert.equal(statSync(bench.at(path)).mode & 0o777, 0o600);
  assert.equal((await bench.syncline(['sync', '--no-state', 'a', 'c'], { environment: { XDG_STATE_HOME: bench.at('untouched') } })).code, 0);
  assert.equal(statSync(bench.at('untouched'), { throwIfNoEntry: false }), undefined);
});

test('a state that cannot be kept is a warning, unless it was asked for or is needed', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1', 'in-the-way': '' });
  const environment = { XDG_STATE_HOME: bench.at('in-the-way') };
  const { code, stderr } = await bench.syncline(['sync', 'a', 'b'], { environment });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^warning: cannot use the state file/);
  assert.notEqual((await bench.syncline(['sync', '--state', 'in-the-way/x.db', 'a', 'b'])).code, 0);
  assert.notEqual((await bench.syncline(['merge', 'a', 'b'], { environment })).code, 0);
});

test('a directory that cannot be written is named, and nothing is lost', { skip: process.getuid?.() === 0 && 'root may write anywhere' }, async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1' });
  mkdirSync(bench.at('b'));
  chmodSync(bench.at('b'), 0o500);
  const { code, stdout, stderr } = await bench.syncline(['sync', 'a', 'b']);
  assert.ok(code === 1 || code === 3, `${stdout}${stderr}`);
  chmodSync(bench.at('b'), 0o700);
  writeFileSync(bench.at('b/ok'), '');
});

function prefixed(folder: string, files: { readonly [path: string]: string }): { readonly [path: string]: string } {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]));
}
