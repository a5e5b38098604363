import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench } from './command.ts';

const mistakes: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [['synk'], /^syncline: unknown command 'synk'; did you mean sync\?/],
  [['sync', '--detele', 'a', 'b'], /unknown option '--detele'; did you mean --delete\?/],
  [['sync', '--limit', '0', 'a', 'b'], /--limit <N>' argument '0' is invalid. It must be a whole number of 1 or more/],
  [['sync', '--limit', '1.5', 'a', 'b'], /whole number/],
  [['sync', '--limit', 'many', 'a', 'b'], /whole number/],
  [['sync', '--max-attempts', '-1', 'a', 'b'], /whole number/],
  [['sync', '--batch-size', '99999999999999999999', 'a', 'b'], /whole number/],
  [['sync', '--timeout', '0', 'a', 'b'], /number of seconds/],
  [['sync', '--delete', '--max-deletes', '101%', 'a', 'b'], /a count such as 20, a share such as 10%, or all/],
  [['sync', '--max-deletes', '5', 'a', 'b'], /add --delete/],
  [['sync', '--follow', 'everything', 'a', 'b'], /Allowed choices are all, child, page, none/],
  [['sync', '--quiet', '--verbose', 'a', 'b'], /cannot be used with/],
  [['sync', '--state'], /argument missing/],
  [['sync', '--report', 'xml', 'a', 'b'], /Allowed choices are json, ndjson/],
  [['sync'], /no places were named/],
  [['sync', 'a'], /only one place was named/],
  [['sync', 'a', 'ftp://host/b'], /ftp:\/\/ is not a kind of place/],
  [['sync', 'a', './a/'], /the same place/],
  [['sync', '--as', 'blobs', 'a', 'b.yaml'], /only directories and buckets can be copied as blobs/],
  [['diff', 'a', '-'], /cannot be read, so there is nothing to compare with/],
  [['merge', 'a'], /takes two places, and 1/],
  [['merge', 'a', 'b', 'c'], /takes two places, and 3/],
  [['merge', '--no-state', 'a', 'b'], /--no-state leaves a merge without the memory/],
  [['merge', '--prefer', 'oldest', 'a', 'b'], /Allowed choices are left, right, newest/],
  [['merge', 'a', '-'], /readable and writable/],
  [['merge', '--newest', '--prefer', 'left', 'a', 'b'], /cannot be used with/],
  [['merge', '--newest', '--from', '1420070400000', 'a', 'b'], /13 digits looks like milliseconds/],
  [['merge', '--newest', '--until', 'yesterday', 'a', 'b'], /--until "yesterday" must be a date and time/],
  [['merge', '--newest', '--from', '2015-02-01', '--until', '2015-01-01', 'a', 'b'], /nothing lies within it: --from has to be before --until/],
  [['merge', '--newest', '--from', '2015-02-01', '--delete', 'a', 'b'], /nothing is deleted in a range/],
  [['merge', '--newest', '--from', '9999-01-01', 'a', 'b'], /yet to come/],
  [['merge', '--full', 'a', 'b'], /add --newest/],
  [['merge', '--newest', '--modified', 'at', '--as', 'blobs', 'a', 'b'], /only directories and buckets can be copied as blobs/],
  [['merge', '--every', '1s', '--watch', 'a', 'b'], /cannot be used with/],
  [['sync', '--every', 'often', 'a', 'b'], /a time such as 90s/],
  [['state', 'sit'], /state cannot sit/],
  [['state', 'show', 'nothing'], /no ID of a pair/],
  [['stores', 'ftp'], /"ftp" is not a kind of place/],
  [['completion', 'cmd.exe'], /not a shell/],
  [['completion'], /no shell was named/],
  [['help', 'synk'], /unknown command 'synk'/],
];

test('every mistake on the command line is named in one sentence and exits with 2', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1', 'b/x': '1' });
  await Promise.all(mistakes.map(async ([args, says]) => {
    const { code, stdout, stderr } = await bench.syncline(args);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' }, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, says, args.join(' '));
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    assert.match(stderr, /^syncline: /);
  }));
});

test('without a command, help goes to standard error and the exit code is 2', async () => {
  using bench = new Bench();
  const { code, stdout, stderr } = await bench.syncline([]);
  assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
  assert.match(stderr, /Usage: syncline COMMAND/);
});

test('options may come after places, and -- ends them', async () => {
  using bench = new Bench();
  bench.write({ '--odd/x': '1' });
  assert.equal((await bench.syncline(['sync', '--', '--odd', 'copy'])).code, 0);
  const { code, stdout } = await bench.syncline(['diff', './--odd', 'copy', '--summary']);
  assert.equal(code, 0, stdout);
});

test('of two spellings of one option the last one wins', async () => {
  using bench = new Bench();
  bench.write({ 'in/foo/1.yaml': '_links: {self: {href: /foo/1}}\nid: 1\n' });
  for (const [flags, start] of [[['-j', '-y'], '---\n'], [['--yaml', '--format', 'json'], '{'], [['--format=json', '--json', '--yaml'], '---\n']] as const) {
    const { stdout } = await bench.syncline(['sync', ...flags, 'in', '-']);
    assert.ok(stdout.startsWith(start), `${flags.join(' ')} wrote ${stdout}`);
  }
});

test('the version is that of the package', async () => {
  using bench = new Bench();
  const { code, stdout } = await bench.syncline(['--version']);
  assert.equal(code, 0);
  assert.match(stdout, /^syncline \d+\.\d+\.\d+\n$/);
});

test('each command explains itself with examples that its own parser accepts', async () => {
  using bench = new Bench();
  const { stdout } = await bench.syncline(['--help']);
  const names = [...stdout.split('Commands:')[1]?.split('\n\n')[0]?.matchAll(/^ {2}([a-z]+)/gm) ?? []].map(([, name]) => name ?? '');
  assert.deepEqual(names, ['sync', 'merge', 'diff', 'verify', 'run', 'history', 'stores', 'state', 'quarantine', 'completion', 'help']);
  for (const name of names.slice(0, -1)) {
    const { code, stdout: text } = await bench.syncline([name, '--help']);
    assert.equal(code, 0);
    assert.equal(text, (await bench.syncline(['help', name])).stdout, 'help NAME says the same as NAME --help');
    const examples = [...text.matchAll(/^ {2}syncline (.+)$/gm)].map(([, line]) => line ?? '');
    assert.ok(examples.length > 0, `${name} has no examples`);
    for (const line of examples) {
      assert.ok(line.startsWith(name), line);
      for (const [flag] of line.matchAll(/--[a-z-]+/g)) assert.match(text, new RegExp(`${flag}\\b`), `${line} uses ${flag}`);
    }
  }
});
