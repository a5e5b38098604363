import assert from 'node:assert/strict';
import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Report } from '../../src/index.ts';
import { Bench } from './command.ts';

/** What `diff` would do without any selection: what is left to do. */
async function left(bench: Bench, from: string, to: string): Promise<readonly string[]> {
  const { stdout } = await bench.syncline(['diff', '--summary', '--delete', from, to]);
  return stdout.split('\n').filter((line) => /^[-+~]/.test(line)).sort();
}

const everything = ['--delete', '--max-deletes', 'all'];

test('a file of rules decides by its first line that matches, on both sides alike', async () => {
  using bench = new Bench();
  bench.write({ 'a/x.tmp': '1', 'a/keep.tmp': '1', 'a/docs/d': '1', 'b/old.tmp': '1', 'b/old': '1', rules: '# no drafts\n+ keep.tmp\n- *.tmp\n' });
  const { code, stderr } = await bench.syncline(['sync', ...everything, '--rules', 'rules', 'a', 'b']);
  assert.equal(code, 0, stderr);
  assert.deepEqual(await left(bench, 'a', 'b'), ['+ create x.tmp', '- delete old.tmp']);
});

test('a list of keys means just these', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1', 'a/y z': '1', 'a/w*': '1', 'a/wx': '1', 'b/x': '2', 'b/q': '1', 'b/r': '1', list: '\uFEFFy z\r\n\nw*\nq' });
  const { code, stderr } = await bench.syncline(['sync', ...everything, '--files-from', 'list', 'a', 'b']);
  assert.equal(code, 0, stderr);
  assert.deepEqual(await left(bench, 'a', 'b'), ['+ create wx', '- delete r', '~ update x']);
});

test('what is not on a list of keys is not even looked at', async () => {
  using bench = new Bench();
  bench.write({ 'a/x/y': '1', 'a/z/1': '1', list: 'x/y\nnowhere\n' });
  writeFileSync(Buffer.concat([Buffer.from(bench.at('a', 'z', 'x')), Buffer.from([0xff])]), 'not UTF-8');
  assert.equal((await bench.syncline(['sync', 'a', 'b'])).code, 1);
  const { code, stdout, stderr } = await bench.syncline(['sync', '--report', 'json', '--files-from', 'list', 'a', 'c']);
  assert.equal(code, 0, stderr);
  assert.equal((JSON.parse(stdout) as Report).counts.created, 1);
  assert.ok(existsSync(bench.at('c/x/y')) && !existsSync(bench.at('c/z')));
});

test('regular expressions choose, and leave out', async () => {
  using bench = new Bench();
  bench.write({ 'a/1.jpg': '1', 'a/draft.jpg': '1', 'a/2.txt': '1', 'b/9.txt': '1' });
  const { code, stderr } = await bench.syncline(['sync', ...everything, '--filter-regexp', '\\.jpe?g$', '--exclude-regexp', '^draft', 'a', 'b']);
  assert.equal(code, 0, stderr);
  assert.deepEqual(await left(bench, 'a', 'b'), ['+ create 2.txt', '+ create draft.jpg', '- delete 9.txt']);
});

test('what one side holds too large is neither deleted nor replaced on the other', async () => {
  using bench = new Bench();
  bench.write({ 'a/grown': 'x'.repeat(2_000), 'b/grown': 'small', 'a/shrunk': 'small', 'b/shrunk': 'x'.repeat(2_000), 'a/new': 'new', 'b/gone': 'gone', 'b/large': 'x'.repeat(2_000) });
  const { code, stderr } = await bench.syncline(['sync', ...everything, '--max-size', '1k', 'a', 'b']);
  assert.equal(code, 0, stderr);
  assert.deepEqual(await left(bench, 'a', 'b'), ['- delete large', '~ update grown']);
});

test('an old file that was edited today was edited today', async () => {
  using bench = new Bench();
  bench.write({ 'a/edited': 'new', 'b/edited': 'former', 'a/old': 'new', 'b/old': 'former', 'b/only': 'here' });
  const long = Date.now() / 1_000 - 30 * 86_400;
  for (const path of ['b/edited', 'a/old', 'b/only']) utimesSync(bench.at(path), long, long);
  const { code, stderr } = await bench.syncline(['sync', ...everything, '--max-age', '7d', 'a', 'b']);
  assert.equal(code, 0, stderr);
  assert.deepEqual(await left(bench, 'a', 'b'), ['- delete only', '~ update old']);
  assert.equal((await bench.syncline(['sync', ...everything, '--min-age', '7d', 'a', 'b'])).code, 0);
  assert.deepEqual(await left(bench, 'a', 'b'), []);
});

test('verify and merge keep to the selection', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1', 'b/x': '1', 'a/y.tmp': '1', 'b/z': 'x'.repeat(2_000) });
  assert.equal((await bench.syncline(['verify', '--exclude', '*.tmp', '--max-size', '1k', 'a', 'b'])).code, 0);
  assert.equal((await bench.syncline(['verify', 'a', 'b'])).code, 1);
  assert.equal((await bench.syncline(['merge', '--exclude', '*.tmp', '--max-size', '1k', 'a', 'b'])).code, 0);
  assert.deepEqual(await left(bench, 'a', 'b'), ['+ create y.tmp', '- delete z']);
});

describe('--explain', () => {
  test('says which key each entry gets, and what leaves it out, and touches nothing', async () => {
    using bench = new Bench();
    bench.write({ 'site/index.html': '1', 'site/x.tmp': '1', 'site/big': 'x'.repeat(2_000), 'more/index.html': '2', rules: '# first\n- *.tmp\n' });
    const { code, stdout, stderr } = await bench.syncline(['sync', '--explain', '--rules', 'rules', '--max-size', '1k', 'site', 'more', 'out']);
    assert.deepEqual({ code, stderr, lines: stdout.trimEnd().split('\n') }, {
      code: 0, stderr: '', lines: [
        '- site/big (--max-size 1k)',
        '- site/index.html (more holds it too and comes later)',
        '+ more/index.html → index.html (no rule hides it)',
        '- site/x.tmp (rules:2: - *.tmp)',
        '1 entry chosen, 3 entries left out',
      ],
    });
    assert.ok(!existsSync(bench.at('out')));
  });

  test('tells programs the same, line by line', async () => {
    using bench = new Bench();
    bench.write({ 'site/a': '1', 'site/b': '1' });
    const { code, stdout } = await bench.syncline(['sync', '--explain', '--report', 'ndjson', '--include', 'a', 'site', 'out']);
    assert.equal(code, 0);
    const events = stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as { readonly event: string }).filter(({ event }) => event !== 'phase');
    assert.deepEqual(events.slice(0, 2), [
      { event: 'explained', origin: 'site', place: 'site/a', key: 'a', chosen: true, rule: '--include a' },
      { event: 'explained', origin: 'site', place: 'site/b', key: 'b', chosen: false, rule: 'not in --include a' },
    ]);
    assert.deepEqual({ ...events[2], version: '' }, { event: 'report', program: 'syncline', version: '', command: 'sync', exitCode: 0, origins: ['site'], destination: 'out', chosen: 1, leftOut: 1, problems: 0, failures: [] });
    const { stdout: whole } = await bench.syncline(['sync', '--explain', '--report', 'json', '--include', 'a', 'site', 'out']);
    const { entries, ...rest } = JSON.parse(whole) as { readonly entries: readonly object[] };
    assert.deepEqual(entries.map((entry) => ({ event: 'explained', ...entry })), events.slice(0, 2));
    assert.deepEqual({ event: 'report', ...rest }, events[2]);
  });
});

test('what cannot be read as a selection is refused before anything is opened, with its place', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1', 'bad.rules': '+ fine\n- a[b\n', 'none.rules': 'x\n' });
  const cases: readonly (readonly [args: readonly string[], sentence: RegExp])[] = [
    [['--rules', 'bad.rules'], /bad\.rules:2: the pattern "a\[b" must close \[ with \]/],
    [['--rules', 'none.rules'], /none\.rules:1: "x" is not a rule: write \+ pattern/],
    [['--rules', 'missing'], /--rules: missing cannot be read \(ENOENT\)/],
    [['--files-from', 'a'], /--files-from: a cannot be read \(EISDIR\)/],
    [['--include', 'a{b'], /--include "a\{b" must close \{/],
    [['--exclude', ''], /--exclude "" must be a pattern of 1 to 1000 characters/],
    [['--filter-regexp', '(?=x)'], /--filter-regexp "\(\?=x\)" is no regular expression/],
    [['--min-size', '5x'], /--min-size.*must be a number of bytes/],
    [['--max-age', 'soon'], /--max-age.*must be an age such as/],
    [['--explain', '--dry-run'], /cannot be used with/],
  ];
  for (const [args, sentence] of cases) {
    const { code, stderr, stdout } = await bench.syncline(['sync', ...args, 'a', 'b']);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, sentence);
    assert.equal(stdout, '');
  }
  assert.ok(!existsSync(bench.at('b')));
});
