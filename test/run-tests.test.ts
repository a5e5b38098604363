import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'syncline-run-tests-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What the runner says of files, each with one of these texts, in their order. */
async function told(...texts: readonly string[]): Promise<string> {
  const files = texts.map((text, i) => {
    const path = join(folder, `${i}.test.mjs`);
    writeFileSync(path, `import { test } from 'node:test';\n${text}`);
    return relative(root, path);
  });
  const program = join(folder, 'program.mjs');
  writeFileSync(program, `import { runTests } from ${JSON.stringify(pathToFileURL(join(root, 'scripts', 'run-tests.ts')).href)};\nconsole.log(JSON.stringify(await runTests(${JSON.stringify(files)}, { wholly: false })));\n`);
  // A runner that knows itself to be within a test runs nothing.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return (await promisify(execFile)(process.execPath, [program], { cwd: root, env })).stdout;
}

describe('the runner of tests', () => {
  test('fails a file that was ended before all of its tests were there, and one that cannot be read', async () => {
    const cut = await told(`test('early', () => {});\nawait new Promise((resolve) => setTimeout(resolve, 60_000));\ntest('late', () => {});\n`, `import './not-there.mjs';\n`);
    assert.match(cut, /0\.test\.mjs ended before it was read to its end/);
    assert.match(cut, /ERR_MODULE_NOT_FOUND/);
    assert.match(cut, /\{"passed":1,"failed":2,"skipped":0\}\n$/);
  });

  test('passes a file that was read to its end, also where it had to wait first or has nothing to run', async () => {
    const whole = await told(`test('alone', () => {});\n`, `await new Promise((resolve) => setTimeout(resolve, 50));\ntest('late', () => {});\n`, `test('none', { skip: 'not here' });\n`);
    assert.match(whole, /\{"passed":2,"failed":0,"skipped":1\}\n$/);
  });
});
