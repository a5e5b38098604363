import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Bench } from './command.ts';
import type { Ended } from './command.ts';

const command = fileURLToPath(new URL('../../src/cli/autosync.ts', import.meta.url));
const folder = fileURLToPath(new URL('../../examples/actor/folder.ts', import.meta.url));
const container = ['--target_container=out', `--actor=${folder}`];

class Autosync extends Bench {
  autosync(...args: readonly string[]): Promise<Ended> {
    return this.run(command, args);
  }

  /** Keys at the target, one name each. */
  get keys(): readonly string[] {
    return existsSync(this.at('out')) ? readdirSync(this.at('out')).map(decodeURIComponent).sort() : [];
  }
}

/** An actor that holds what its text says and writes down what it is told to do. */
function actor(list: string, more = ''): string {
  return `import { appendFileSync } from 'node:fs';
    export const list = async function* () { ${list} };
    export const upload = async (file) => appendFileSync('told', 'upload ' + file.key + '\\n');
    const remove = async (key) => appendFileSync('told', 'delete ' + key + '\\n');
    export { remove as delete };
    ${more}`;
}

test('it has the flags of the original, those that every program of its kind has, and few others', async () => {
  using bench = new Autosync();
  const { code, stdout, stderr } = await bench.autosync('--help');
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual([...stdout.matchAll(/^ {2}--(?:\[no\])?(\w+)/gm)].map(([, name]) => name), [
    'target_container', 'target_prefix', 'source_prefix', 'source_filter', 'source_exclude', 'actor', 'cachefile', 'start_sync', 'threads', 'threader', 'encoding', 'flagfile', 'undefok',
    'once', 'dry_run', 'max_deletes', 'verbose', 'help',
  ]);
});

test('what is wrong with the command line is one sentence, and exits with 2', async () => {
  using bench = new Autosync();
  bench.write({ 'in/x': 'x', 'loop': '--flagfile=loop', 'flags': '# nothing\n--nosuch' });
  const mistakes: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [[], /no target container/], [container, /no source/], [['--target-container'], /needs a value/], [[...container, 'in', '-x'], /no flag --x/],
    [[...container, 'in', '--nothreads'], /no flag/], [[...container, 'in', '--threads=0'], /1 to 1000/], [[...container, 'in', '--threader=fork'], /gevent or thread/],
    [[...container, 'in', '--encoding=latin-1'], /utf-8/], [[...container, 'in', '--nostart_sync=1'], /takes no value/], [[...container, 'in', '--max_deletes=some'], /count/],
    [[...container, 'in', '--flagfile=missing'], /cannot be read/], [[...container, 'in', '--flagfile=loop'], /includes itself/], [[...container, 'in', '--flagfile=flags'], /no flag --nosuch/],
    [['--target_container=x', 'in', '--actor=nowhere'], /no actor nowhere/], [[...container, '--folder_root'], /needs a value/],
  ];
  await Promise.all(mistakes.map(async ([args, says]) => {
    const { code, stdout, stderr } = await bench.autosync(...args);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' }, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, says);
    assert.match(stderr, /^autosync: [^\n]+\n$/);
  }));
});

test('what is wrong with what flags mean exits with 2 or 3, and nothing is written', async () => {
  using bench = new Autosync();
  bench.write({ 'in/x': 'x', 'file': 'x', 'picky.mjs': actor('', 'export const validateFlags = ({ threads }) => threads > 1 ? "one thread, please" : undefined;') });
  const mistakes: readonly (readonly [args: readonly string[], code: number, says: RegExp])[] = [
    [['--source_filter=(?=x)', 'in'], 2, /--source_filter .* is no regular expression/], [['--source_exclude=(', 'in'], 2, /--source_exclude/],
    [['--target_prefix=/foo', `--source_prefix=${bench.at('in')}`, 'in'], 2, /--target_prefix \/foo is dropped/],
    [['nowhere'], 3, /nowhere does not exist/], [['--cachefile=in', 'in'], 2, /in/], [['--actor=./picky.mjs', 'in'], 2, /one thread, please/],
  ];
  await Promise.all(mistakes.map(async ([args, exit, says]) => {
    const { code, stderr } = await bench.autosync('--once', ...container, ...args);
    assert.equal(code, exit, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, says);
  }));
  assert.deepEqual(bench.keys, []);
});

test('flags are written with one dash or two, with dashes or underscores, before or after the sources, in files or not; the last one wins', async () => {
  using bench = new Autosync();
  bench.write({ 'in/x': 'x', '-odd/y': 'y', 'flags': `// where to\n\n--target_container=wrong\n--flagfile=more`, 'more': `--actor=${folder}` });
  const { code, stderr } = await bench.autosync('--flagfile', 'flags', 'in', '-target-container', 'out', '--source-prefix', `${bench.at()}/`, '--once=false', '--once', '--undefok=color,size', '--color=red', '--nosize', '--', '-odd');
  assert.equal(code, 0, stderr);
  assert.deepEqual(bench.keys, ['-odd/y', 'in/x']);
  assert.equal((await bench.autosync('--once', ...container, 'in', '--color=red')).code, 2);
});

test('a dry run says what would be done, deletions included, and does nothing', async () => {
  using bench = new Autosync();
  bench.write({ 'in/new': 'x', 'in/same': 'x', 'in/other': 'y', 'out/same': 'x', 'out/other': 'x', 'out/gone': 'x' });
  const { code, stdout } = await bench.autosync('--dry_run', ...container, `--source_prefix=${bench.at('in')}/`, 'in');
  assert.equal(code, 0);
  assert.match(stdout, /^create "new"\nupdate "other"\ndelete "gone"\n/);
  assert.deepEqual(bench.keys, ['gone', 'other', 'same']);
});

test('an actor that is not in the order it claims is found out, and nothing is deleted', async () => {
  using bench = new Autosync();
  bench.write({ 'in/b': 'b', 'in/c': 'c', 'lies.mjs': actor('for (const key of ["z", "b", "c", "d"]) yield { key, size: 1 };', 'export const alreadySorted = true;') });
  const { code, stderr } = await bench.autosync('--once', '--target_container=x', '--actor=./lies.mjs', `--source_prefix=${bench.at('in')}/`, '--max_deletes=all', 'in');
  assert.equal(code, 2);
  assert.match(stderr, /lies\.mjs says that it lists keys in order, and gives "b" after "z"/);
  assert.ok(!existsSync(bench.at('told')));
});

test('a listing that breaks off deletes nothing; an upload that fails is reported, and the others go on', async () => {
  using bench = new Autosync();
  bench.write({
    'in/a': 'a', 'in/b': 'b',
    'breaks.mjs': actor('yield { key: "a", size: 1 }; yield { key: "z", size: 1 }; throw new TypeError("no more");'),
    'fails.mjs': actor('', '').replace("appendFileSync('told', 'upload ' + file.key + '\\n')", "{ if (file.key === 'a') throw new TypeError('not this one'); appendFileSync('told', 'upload ' + file.key + '\\n'); }"),
  });
  const run = (name: string): Promise<Ended> => bench.autosync('--once', '--target_container=x', `--actor=./${name}`, `--source_prefix=${bench.at('in')}/`, '--max_deletes=all', 'in');
  const broken = await run('breaks.mjs');
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /breaks\.mjs cannot list: no more/);
  assert.ok(!existsSync(bench.at('told')));
  const failed = await run('fails.mjs');
  assert.equal(failed.code, 1);
  assert.match(failed.stdout, /cannot create.* a.*not this one/s);
});

test('one file is a source, and nothing beside it is looked at', async () => {
  using bench = new Autosync();
  bench.write({ 'in/x': 'x', 'in/y': 'y' });
  mkdirSync(bench.at('links'));
  symlinkSync('../in/y', bench.at('links/y'));
  assert.equal((await bench.autosync('--once', ...container, `--source_prefix=${bench.at()}/`, 'in/x', 'links/y')).code, 0);
  assert.deepEqual(bench.keys, ['in/x', 'links/y']);
});

test('a target prefix that is dropped bounds the mirror to the sources', async () => {
  using bench = new Autosync();
  bench.write({ 'in/x': 'x', 'out/other': 'x', 'out/pre%2Fother': 'x' });
  const { code, stderr } = await bench.autosync('--once', ...container, '--target_prefix=pre', '--max_deletes=all', 'in');
  assert.equal(code, 0);
  assert.match(stderr, /warning: --target_prefix pre is dropped/);
  assert.deepEqual(bench.keys, [`${bench.at('in')}/x`, 'other', 'pre/other']);
});

test('a source prefix that lies within a source is taken off where it fits', async () => {
  using bench = new Autosync();
  bench.write({ 'in/x': 'x', 'in/deep/b': 'b', 'in/deep/a': 'a' });
  const run = (): Promise<Ended> => bench.autosync('--once', ...container, `--source_prefix=${bench.at('in/deep')}/`, 'in');
  assert.equal((await run()).code, 0);
  assert.deepEqual(bench.keys, [`${bench.at('in')}/x`, 'a', 'b']);
  assert.match((await run()).stdout, /nothing to do/);
});
