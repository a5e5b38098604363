// Kills real runs of a merge by time at random moments, and holds the runs after them to the laws.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../../src/testing/random.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const records = 800;
const moments = Number(process.env['CRASH_MOMENTS'] ?? 12);
const seed = Number(process.env['CRASH_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

test(`a merge by time that is killed ${moments} times loses nothing, replaces nothing newer, and converges (seed ${seed})`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-crash-'));
  try {
    const random = seededRandom(seed);
    const newest = new Map<string, number>();
    let stamp = Date.now() - 1_000_000;
    for (const side of ['a', 'b']) mkdirSync(join(folder, side, 't'), { recursive: true });
    const edit = (side: string, id: number): void => {
      newest.set(`${id}.yaml`, ++stamp);
      writeFileSync(join(folder, side, 't', `${id}.yaml`), `id: ${id}\nat: ${stamp}\n`);
    };
    let killed = 0;
    let midway = 0;
    let runs = 0;
    for (let id = 0; id < records; id++) edit(random.next() < 0.5 ? 'a' : 'b', id);
    const startedMs = performance.now();
    assert.equal((await once(merge(folder, 'inherit'), 'exit'))[0], 0);
    const wholeMs = performance.now() - startedMs;
    for (; killed < moments; runs++) {
      assert.ok(runs < 4 * moments, 'some runs are killed');
      for (let i = 0; i < records / 2; i++) edit(random.next() < 0.5 ? 'a' : 'b', random.below(records));
      const before = apart(folder, newest);
      const child = merge(folder, 'ignore');
      // Most of a run is its beginning; the second half is where it writes.
      const timer = setTimeout(() => child.kill('SIGKILL'), wholeMs * (0.3 + 0.6 * random.next()));
      const [code] = await once(child, 'exit') as [number | null];
      clearTimeout(timer);
      if (code === null) killed++;
      assert.ok(code === null || code === 0 || code === 1, `ended with ${code}`);
      const left = apart(folder, newest);
      if (code === null && left > 0 && left < before) midway++;
      // Whoever holds the newest version holds it still.
      for (const [name, at] of newest) assert.ok(Math.max(...['a', 'b'].map((side) => held(folder, side, name) ?? 0)) === at, `${name} is still there`);
    }
    const [code] = await once(merge(folder, 'inherit'), 'exit') as [number | null];
    assert.equal(code, 0);
    for (const side of ['a', 'b']) {
      assert.deepEqual(readdirSync(join(folder, side, 't')).filter((name) => !name.startsWith('.')).toSorted(), [...newest.keys()].toSorted());
      for (const [name, at] of newest) assert.equal(held(folder, side, name), at, `${side} ${name}`);
    }
    console.log(`${runs} runs, ${killed} of them killed, ${midway} of those when they had written a part, seed ${seed}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function merge(folder: string, stderr: 'ignore' | 'inherit'): ReturnType<typeof spawn> {
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'merge', '--newest', '--modified', 'at', '--modified-unit', 'milliseconds', '--overlap', '1h', '--quiet', 'a', 'b'], {
    cwd: folder, stdio: ['ignore', 'ignore', stderr], env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, XDG_STATE_HOME: join(folder, 'state') },
  });
}

/** How many records are not of one version on both sides. */
function apart(folder: string, newest: ReadonlyMap<string, number>): number {
  return [...newest.keys()].filter((name) => held(folder, 'a', name) !== held(folder, 'b', name)).length;
}

function held(folder: string, side: string, name: string): number | undefined {
  try {
    return Number(/^at: (\d+)$/m.exec(readFileSync(join(folder, side, 't', name), 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}
