import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { Bench } from './command.ts';

async function answers(bench: Bench, words: readonly string[]): Promise<{ readonly words: readonly string[]; readonly directive: string | undefined }> {
  const { code, stdout } = await bench.syncline(['complete', '--', ...words]);
  assert.equal(code, 0);
  const lines = stdout.trimEnd().split('\n');
  return { words: lines.slice(0, -1).map((line) => line.split('\t')[0] ?? ''), directive: lines.at(-1) };
}

test('commands, options, their values and files are completed', async () => {
  using bench = new Bench();
  assert.deepEqual(await answers(bench, ['s']), { words: ['sync', 'stores', 'state'], directive: ':4' });
  assert.deepEqual((await answers(bench, [''])).words, ['sync', 'merge', 'diff', 'verify', 'run', 'history', 'stores', 'state', 'quarantine', 'completion']);
  assert.deepEqual((await answers(bench, ['--v'])).words, ['--version']);
  assert.deepEqual((await answers(bench, ['sync', '--de'])).words, ['--delete', '--deleted', '--debug']);
  assert.deepEqual(await answers(bench, ['sync', '--follow', '']), { words: ['all', 'child', 'page', 'none'], directive: ':4' });
  assert.deepEqual((await answers(bench, ['sync', '--follow=p'])).words, ['--follow=page']);
  assert.deepEqual(await answers(bench, ['sync', '--delete', './da']), { words: [], directive: ':0' });
  assert.deepEqual(await answers(bench, ['sync', '--state', '']), { words: [], directive: ':0' });
  assert.deepEqual((await answers(bench, ['completion', 'z'])).words, ['zsh']);
  assert.deepEqual((await answers(bench, ['stores', 're'])).words, ['rest']);
  assert.deepEqual(await answers(bench, ['nonsense', '']), { words: [], directive: ':4' });
});

for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
  test(`the script for ${shell} calls the program back`, async () => {
    using bench = new Bench();
    const { code, stdout } = await bench.syncline(['completion', shell]);
    assert.equal(code, 0);
    assert.match(stdout, /syncline complete '?--/);
  });
}

test('the bash script is one that bash accepts', { skip: spawnSync('bash', ['--version']).status !== 0 && 'no bash here' }, async () => {
  using bench = new Bench();
  const { stdout } = await bench.syncline(['completion', 'bash']);
  bench.write({ 'completion.bash': stdout });
  const { status, stderr } = spawnSync('bash', ['-n', bench.at('completion.bash')], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});
