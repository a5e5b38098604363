import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { startExampleApi } from '../../examples/api/server.ts';
import { Bench } from './command.ts';

// `script` from util-linux gives a command a terminal of its own.
const script = spawnSync('script', ['--version'], { encoding: 'utf8' });
const skip = script.status === 0 && script.stdout.includes('util-linux') ? false : 'no util-linux `script` here, so there is no terminal to test on';
const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

async function onTerminal(bench: Bench, args: readonly string[], { columns = 80, environment = {}, input = '' }: { readonly columns?: number; readonly environment?: { readonly [name: string]: string }; readonly input?: string } = {}): Promise<{ readonly code: number | null; readonly screen: string }> {
  const command = [process.execPath, main, ...args].map((word) => `'${word}'`).join(' ');
  bench.write({ 'run.sh': `stty cols ${columns} rows 24 2>/dev/null\n${command}\n` });
  bench.write({ 'run.mjs': `import { spawn } from 'node:child_process';\nconst child = spawn('script', ['-qec', 'sh run.sh', '/dev/null'], { stdio: ['pipe', 'inherit', 'inherit'] });\nchild.stdin.on('error', () => {});\nlet input = ${JSON.stringify(input)};\nif (input === '') child.stdin.write(''); else setTimeout(() => child.stdin.write(input), 1500);\nchild.on('exit', (code) => process.exit(code ?? 1));\n` });
  const { code, stdout } = await bench.run(bench.at('run.mjs'), [], { environment: { TERM: 'xterm', ...environment } });
  return { code, screen: stdout };
}

const resources = Array.from({ length: 40 }, (_, i) => ({ type: 'line', id: String(i), fields: {} }));

test('on a terminal progress is one line, redrawn within its width, and gone at the end', { skip }, async () => {
  using bench = new Bench();
  await using api = await startExampleApi({ resources, latencyMs: 60 });
  await using target = await startExampleApi({ latencyMs: 60 });
  assert.equal((await bench.syncline(['sync', `${api.url}/api/line`, 'data'])).code, 0);
  const { code, screen } = await onTerminal(bench, ['sync', '--concurrency', '1', 'data', target.url], { columns: 50 });
  assert.equal(code, 0, screen);
  const drawn = screen.split('\r\u001b[2K').map((text) => stripVTControlCharacters(text));
  assert.ok(drawn.some((text) => /^writing · 40 read .*of 40/.test(text)), `no progress in ${JSON.stringify(screen)}`);
  const progress = drawn.filter((text) => /^(reading|writing|sorting)/.test(text));
  for (const text of progress) assert.ok(text.length < 50, `wider than the terminal: ${text}`);
  assert.match(drawn.at(-1) ?? '', /^ +read +created[^]*done: 40 changes/, 'the last thing on the line is not the summary');
  assert.doesNotMatch(drawn.at(-1) ?? '', /reading|writing ·/);
});

test('colours are for terminals, and not for those who want none', { skip }, async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1' });
  const colored = (screen: string): boolean => /\u001b\[\d+m/.test(screen);
  const args = ['diff', 'a', 'b'];
  assert.ok(colored((await onTerminal(bench, args)).screen));
  assert.ok(!colored((await onTerminal(bench, args, { environment: { NO_COLOR: '1' } })).screen), 'NO_COLOR');
  assert.ok(!colored((await onTerminal(bench, args, { environment: { TERM: 'dumb' } })).screen), 'TERM=dumb');
  assert.ok(!colored((await onTerminal(bench, [...args, '--no-color'])).screen), '--no-color');
  assert.ok(!colored((await bench.syncline(args)).stdout), 'a pipe');
  assert.ok(!(await onTerminal(bench, args, { environment: { TERM: 'dumb' } })).screen.includes('\u001b'), 'a dumb terminal got an escape');
});

test('a password is asked for without showing it', { skip }, async () => {
  using bench = new Bench();
  await using api = await startExampleApi({ resources, user: { name: 'ada', password: 'sesame7' } });
  const { code, screen } = await onTerminal(bench, ['sync', '--username', 'ada', `${api.url}/api/line`, 'out'], { input: 'wrong\u0015sesame77\u007f\r' });
  assert.equal(code, 0, screen);
  assert.match(screen, /Password for ada/);
});
