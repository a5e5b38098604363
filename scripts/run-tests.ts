import { globSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { root } from './tool.ts';

/** What became of the tests. A test that was cancelled, as by a time-out, has failed. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A file that takes longer hangs. */
const fileTimeoutMs = 15 * 60_000;

/** The test files of the project, in a fixed order. */
export function testFiles(): readonly string[] {
  return globSync('{src,test,examples}/**/*.test.ts', { cwd: root }).toSorted();
}

/** Runs test files, each in a process of its own, two at a time, and shows what happens as it does. */
export async function runTests(files: readonly string[]): Promise<Tally> {
  let tally: Tally = { passed: 0, failed: 1, skipped: 0 };
  const events = run({ cwd: root, files: files.map((file) => join(root, file)), concurrency: 2, timeout: fileTimeoutMs });
  // Files are reported on too; the one that names no file is the sum.
  events.on('test:summary', ({ file, counts }) => {
    if (file === undefined) tally = { passed: counts.passed, failed: counts.tests - counts.passed - counts.skipped - counts.todo, skipped: counts.skipped + counts.todo };
  });
  const report = events.compose(new spec());
  for await (const text of report) process.stdout.write(text as string);
  return tally;
}
