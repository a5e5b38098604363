import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { startExampleApi } from '../../examples/api/server.ts';
import { Bench, resource, steady } from './command.ts';

const inFolder = (folder: string, ...all: readonly { readonly [path: string]: string }[]): { readonly [path: string]: string } =>
  Object.fromEntries(all.flatMap((files) => Object.entries(files)).map(([path, text]) => [`${folder}/${path}`, text]));

test('it has the flags of the original, and no others', async () => {
  using bench = new Bench();
  const { code, stdout } = await bench.resourceSync(['--help']);
  assert.equal(code, 0);
  const flags = [...stdout.matchAll(/^ {2}(?:-([a-z]), )?--([a-z-]+)/gm)].map(([, short = '', long]) => `${short}/${long}`);
  assert.deepEqual(flags.sort(), [
    '/hal', '/help', '/rm', '/username', 'a/follow-all', 'b/batch-size', 'c/follow-child', 'j/json', 'l/limit', 'm/max-attempts', 'n/follow-none', 'p/follow-page', 's/simple', 'v/verbose', 'y/yaml',
  ].sort());
});

test('what it calls usage exits with 2', async () => {
  using bench = new Bench();
  bench.write({ 'in/x': '' });
  const mistakes: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [[], /no destination/], [['--version'], /unknown option/], [['--delete', 'in', 'out'], /unknown option/],
    [['-b', '0', 'in', 'out'], /whole number/], [['-l', 'x', 'in', 'out'], /whole number/], [['-m', '1.5', 'in', 'out'], /whole number/],
    [['in', 'HTTP://h/'], /not an endpoint/], [['in', 'ftp://h/'], /ftp:/], [['in', 'no/such/parent'], /parent directory does not exist/],
    [['in', 'in'], /same place/], [['in', './in/'], /same place/], [['http://h:80/a', 'http://H/a/'], /same place/],
  ];
  await Promise.all(mistakes.map(async ([args, says]) => {
    const { code, stdout, stderr } = await bench.resourceSync(args);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' }, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, says);
  }));
});

test('all else that goes wrong exits with 1 and one line', async () => {
  using bench = new Bench();
  bench.write({ 'file': '', 'there.yaml': '', ...inFolder('in', resource('foo', '1')) });
  const mistakes: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [['missing', 'out'], /missing/], [['in', 'file'], /exists and is not a directory/], [['in', 'there.yaml'], /--rm/],
    [['--json', 'in', 'new.yaml'], /cannot hold JSON/], [['http://127.0.0.1:1/', 'out'], /127\.0\.0\.1:1/],
  ];
  await Promise.all(mistakes.map(async ([args, says]) => {
    const { code, stdout, stderr } = await bench.resourceSync(args);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' }, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr.trimEnd().split('\n').at(-1) ?? '', says);
    assert.doesNotMatch(stderr, /\n {4}at /);
  }));
});

test('it names each origin, the number of resources and the destination on standard error, and nothing on standard output', async () => {
  using bench = new Bench();
  bench.write({ ...inFolder('a', resource('foo', '1')), ...inFolder('b', resource('foo', '2')) });
  assert.deepEqual(await bench.resourceSync(['a', 'b', 'out']), { code: 0, stdout: '', stderr: 'reading a\nreading b\n2 resources\nwriting out\n' });
});

test('--verbose adds one line for every request', async () => {
  using bench = new Bench();
  await using api = await startExampleApi({ resources: Array.from({ length: 5 }, (_, i) => ({ type: 'foo', id: String(i), fields: {} })) });
  const { stderr } = await bench.resourceSync(['-v', '-l', '2', `${api.url}/api/foo`, 'out']);
  assert.equal(stderr.match(/^GET /gm)?.length, api.requests.count('GET'), steady(stderr));
});

test('a directory is documents, also beside another one, and .json names a directory', async () => {
  using bench = new Bench();
  bench.write({ ...inFolder('in', resource('foo', '1')), 'in/README.md': 'not a resource' });
  assert.equal((await bench.resourceSync(['-j', 'in', 'out.json'])).code, 0);
  assert.deepEqual(readdirSync(bench.at('out.json'), { recursive: true }).sort(), ['foo', 'foo/1.json']);
});

test('the last of --json and --yaml, and of the ways to follow links, wins', async () => {
  using bench = new Bench();
  await using api = await startExampleApi({ resources: Array.from({ length: 5 }, (_, i) => ({ type: 'foo', id: String(i), fields: {} })) });
  await bench.resourceSync(['-j', '-y', '-n', '-p', '-l', '2', `${api.url}/api/foo`, 'a']);
  await bench.resourceSync(['-y', '-j', '-a', '-n', '-l', '2', `${api.url}/api/foo`, 'b']);
  assert.deepEqual(readdirSync(bench.at('a/foo')).sort(), ['0.yaml', '1.yaml', '2.yaml', '3.yaml', '4.yaml']);
  assert.deepEqual(readdirSync(bench.at('b/foo')).sort(), ['0.json', '1.json']);
});

test('--rm removes what the origins no longer hold, even most of it, but never on the word of an empty origin', async () => {
  using bench = new Bench();
  bench.write({ ...inFolder('in', resource('foo', '1')), ...inFolder('out', ...['1', '2', '3', '4'].map((id) => resource('foo', id))), 'empty/.keep': '' });
  assert.equal((await bench.resourceSync(['--rm', 'empty', 'out'])).code === 0 ? readdirSync(bench.at('out/foo')).length : 4, 4);
  const { code, stderr } = await bench.resourceSync(['--rm', 'in', 'out']);
  assert.equal(code, 0, stderr);
  assert.deepEqual(readdirSync(bench.at('out/foo')), ['1.yaml']);
  assert.notEqual((await bench.resourceSync(['--rm', 'missing', 'out'])).code, 0);
  assert.ok(statSync(bench.at('out/foo/1.yaml')).isFile());
});

test('--rm replaces a YAML file', async () => {
  using bench = new Bench();
  bench.write({ ...inFolder('in', resource('foo', '1')), 'out.yaml': '---\nid: "9"\n_links: {self: {href: /api/bar/9}}\n' });
  const { code, stderr } = await bench.resourceSync(['--rm', 'in', 'out.yaml']);
  assert.equal(code, 0, stderr);
  const text = readFileSync(bench.at('out.yaml'), 'utf8');
  assert.match(text, /id: "1"/);
  assert.doesNotMatch(text, /"9"/);
});

test('with no origin there is nothing to do', async () => {
  using bench = new Bench();
  const { code, stderr } = await bench.resourceSync(['out']);
  assert.equal(code, 0, stderr);
  assert.equal(statSync(bench.at('out'), { throwIfNoEntry: false }), undefined);
});

test('one entry that fails makes the exit code 1 and is named; the others are written', async () => {
  using bench = new Bench();
  bench.write({ ...inFolder('in', resource('foo', '1')), 'in/foo/2.yaml': 'id: [\n' });
  const { code, stderr } = await bench.resourceSync(['in', 'out']);
  assert.equal(code, 1);
  assert.match(stderr, /^Error: cannot read .*foo\/2\.yaml/m);
  assert.ok(statSync(bench.at('out/foo/1.yaml')).isFile());
});
