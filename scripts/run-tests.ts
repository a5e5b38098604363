import { globSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { run } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { spec } from 'node:test/reporters';
import { root } from './tool.ts';

/** What became of the tests. A test that was cancelled, as by a time-out, has failed. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A test, or all tests of a `describe` together, that takes longer hangs. */
const testTimeoutMs = 10 * 60_000;
/** A file that takes longer hangs outside of its tests, and is ended. Longer than installing and building every server. */
const fileTimeoutMs = 25 * 60_000;
/** What is left of the files after this is ended. */
const wholeTimeoutMs = 75 * 60_000;
/** A process that has told all that it has to tell, and does not end, is ended after this: Node may hang while it is made to. */
const exitTimeoutMs = 15_000;
const filesAtOnce = 2;
/** What is loaded into every process of tests before them. */
const preloaded = ['whole-output.mjs', 'whole-file.mjs'];
/** How a line on a test that was skipped begins. */
const skipMark = '﹣';

/** The test files of the project, in a fixed order. */
export function testFiles(): readonly string[] {
  return globSync('{src,test,examples}/**/*.test.ts', { cwd: root }).toSorted();
}

/** Runs test files, each in a process of its own, two at a time, and shows what each came to when it has ended: `wholly`, or only what did not pass. */
export async function runTests(files: readonly string[], { wholly }: { readonly wholly: boolean }): Promise<Tally> {
  const tallies: Tally[] = [];
  const waiting = files.values();
  const deadline = AbortSignal.timeout(wholeTimeoutMs);
  const worker = async (): Promise<void> => {
    for (const file of waiting) tallies.push(await runFile(file, { wholly, deadline }));
  };
  await Promise.all(Array.from({ length: filesAtOnce }, worker));
  const sum = (part: keyof Tally): number => tallies.reduce((total, tally) => total + tally[part], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

async function runFile(file: string, { wholly, deadline }: { readonly wholly: boolean; readonly deadline: AbortSignal }): Promise<Tally> {
  const started = performance.now();
  // Where everything hangs, the last lines say in what.
  console.log(`${file} ...`);
  let tally: Tally = { passed: 0, failed: 1, skipped: 0 };
  const hanging = new AbortController();
  const events = run({
    cwd: root,
    files: [join(root, file)],
    timeout: testTimeoutMs,
    signal: AbortSignal.any([AbortSignal.timeout(fileTimeoutMs), deadline, hanging.signal]),
    // A test that was given up leaves servers and connections open, and with them its process would never end.
    execArgv: ['--test-force-exit', ...preloaded.flatMap((name) => ['--import', new URL(name, import.meta.url).href])],
  });
  // A file ends with a sum of its own. Without one, what it told broke off, and nobody knows what is missing.
  let whole = false;
  events.on('test:summary', ({ file: one, counts }) => {
    if (hanging.signal.aborted) return;
    if (one !== undefined) {
      whole = true;
      setTimeout(() => hanging.abort(), exitTimeoutMs).unref();
    }
    tally = { passed: counts.passed, failed: counts.tests - counts.passed - counts.skipped - counts.todo, skipped: counts.skipped + counts.todo };
  });
  let told = '';
  for await (const text of Readable.from(withoutSums(events)).compose(new spec())) told += text as string;
  if (!whole && tally.failed === 0) {
    tally = { ...tally, failed: 1 };
    told += 'what it told broke off before its end\n';
  }
  const { passed, failed, skipped } = tally;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const shown = wholly || failed > 0 ? told.trimEnd() : told.split('\n').filter((line) => line.includes(skipMark)).join('\n');
  console.log(`${file}: ${passed} passed, ${failed} failed, ${skipped} skipped (${seconds} s)${shown === '' ? '' : `\n${shown}`}`);
  return tally;
}

/** What is told of tests, without the sums, which this program tells itself. */
async function* withoutSums(events: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent> {
  for await (const event of events) {
    if (event.type === 'test:summary' || (event.type === 'test:diagnostic' && event.data.nesting === 0 && /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /.test(event.data.message))) continue;
    yield event;
  }
}
