import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Bench } from './command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

// Prints what was loaded when the process ends: packages by their folder, own modules by their path, built-ins by name.
const spy = `
import { registerHooks } from 'node:module';
const loaded = new Set();
registerHooks({ resolve(specifier, context, next) { const found = next(specifier, context); loaded.add(found.url); return found; } });
process.on('exit', () => process.stderr.write('\\nLOADED ' + JSON.stringify([...loaded])));
`;

async function loadedBy(bench: Bench, args: readonly string[]): Promise<readonly string[]> {
  bench.write({ 'spy.mjs': spy });
  const { stderr } = await bench.syncline(args, { environment: { NODE_OPTIONS: `--import=${bench.at('spy.mjs')}` } });
  return JSON.parse(stderr.slice(stderr.lastIndexOf('LOADED ') + 7)) as readonly string[];
}

test('help and completion load the parser and nothing heavy', async () => {
  using bench = new Bench();
  for (const args of [['--help'], ['sync', '--help'], ['--version'], ['complete', '--', 'sync', '--']]) {
    const loaded = await loadedBy(bench, args);
    const heavy = loaded.filter((url) => /\/node_modules\/(?!commander\/)|\/src\/(engine|stores|formats|schema)\/|node:(sqlite|crypto|http|https|net|tls|zlib|worker_threads)$/.test(url));
    assert.deepEqual(heavy, [], args.join(' '));
    const own = loaded.filter((url) => url.includes('/src/'));
    assert.ok(own.length > 3 && own.length < 30, `${own.length} modules of our own for ${args.join(' ')}`);
  }
});

test('a sync of two directories loads no HTTP client', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1' });
  const loaded = await loadedBy(bench, ['sync', 'a', 'b']);
  assert.deepEqual(loaded.filter((url) => /undici|\/stores\/rest\//.test(url)), []);
});

for (const name of ['syncline', 'resource-sync']) {
  const file = `${root}bin/${name}.js`;

  test(`started with an older Node, ${name} says in one sentence which one it needs`, async () => {
    using bench = new Bench();
    // What an older Node says of itself, on whichever Node runs this.
    bench.write({ 'old.cjs': `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.11.1' } });\n` });
    const { code, stdout, stderr } = await bench.run(file, ['--help'], { environment: { NODE_OPTIONS: `--require=${bench.at('old.cjs')}` } });
    assert.deepEqual({ code, stdout }, { code: 3, stdout: '' });
    assert.match(stderr, new RegExp(`^${name}: Node 24 or newer is needed, and this is Node 20\\.11\\.1: .+\\n$`));
  });

  const older = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => existsSync(path) && Number(spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout.split('.')[0]) < 24);
  test(`a real older Node can read bin/${name}.js`, { skip: older === undefined && 'no older Node on this machine' }, () => {
    const { status, stderr } = spawnSync(older as string, [file, '--help'], { encoding: 'utf8' });
    assert.equal(status, 3);
    assert.match(stderr, /Node 24 or newer is needed/);
  });
}
