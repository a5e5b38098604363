// Runs the examples of the documents as they are written. A block marked `console` holds command lines, each after `$ `,
// and what they print. `# exit 1` after a command line says what it ends with; `...` stands for any lines.
// http://localhost:8000 is the example API with its data, http://localhost:8001 one without. Buckets are those of a real server.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { ExampleApi } from '../examples/start-api.ts';
import { missingS3, s3Server } from './services/s3.ts';

const root = dirname(import.meta.dirname);

interface Step {
  readonly line: string;
  readonly exit: number;
  readonly printed: readonly string[];
}

describe('the examples in the documents', { skip: process.platform === 'win32' && 'they are written for a POSIX shell' }, () => {
  for (const path of globSync(['*.md', 'docs/**/*.md'], { cwd: root }).toSorted()) {
    const steps = stepsOf(readFileSync(join(root, path), 'utf8'));
    if (steps.length === 0) continue;
    const buckets = steps.some(({ line }) => /autosync|s3:\/\//.test(line));
    test(`${path} says what happens`, { skip: buckets && missingS3 }, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'syncline-docs-'));
      await using full = await ExampleApi.start({ seed: true });
      await using empty = await ExampleApi.start({ seed: false });
      try {
        const shown = (text: string): string => text.replaceAll(full.url, 'http://localhost:8000').replaceAll(empty.url, 'http://localhost:8001');
        const meant = (text: string): string => text.replaceAll('http://localhost:8000', full.url).replaceAll('http://localhost:8001', empty.url);
        prepare(folder);
        const environment = buckets ? await s3Environment() : {};
        for (const { line, exit, printed } of steps) {
          const { code, output } = await shell(folder, meant(line), environment);
          assert.equal(code, exit, `${line} ended with ${code}:\n${shown(output)}`);
          if (printed.length > 0) assertPrinted(line, shown(output).trimEnd().split('\n'), printed);
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});

function stepsOf(document: string): readonly Step[] {
  const steps: { line: string; exit: number; printed: string[] }[] = [];
  for (const [, block] of document.matchAll(/^```console\n([\s\S]*?)^```$/gm)) {
    for (const line of block!.trimEnd().split('\n')) {
      if (line.startsWith('$ ')) steps.push({ line: line.slice(2).replace(/\s+#.*$/, ''), exit: Number(/# exit (\d+)/.exec(line)?.[1] ?? 0), printed: [] });
      else steps.at(-1)?.printed.push(line);
    }
  }
  return steps;
}

async function s3Environment(): Promise<{ readonly [name: string]: string }> {
  const { endpoint, region, environment } = await s3Server();
  return { ...environment, AWS_ENDPOINT_URL: endpoint, AWS_REGION: region };
}

/** Commands under the names that users type, and the project's example data. */
function prepare(folder: string): void {
  const bin = join(folder, '.bin');
  mkdirSync(bin);
  for (const [name, script] of [['syncline', 'src/cli/main.ts'], ['resource-sync', 'src/cli/resource-sync.ts'], ['autosync', 'src/cli/autosync.ts']] as const) {
    writeFileSync(join(bin, name), `#!/bin/sh\nexec "${process.execPath}" --disable-warning=ExperimentalWarning "${join(root, script)}" "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const fixtures = join(root, 'docs', 'fixtures');
  if (existsSync(fixtures)) cpSync(fixtures, folder, { recursive: true });
}

function shell(folder: string, line: string, more: { readonly [name: string]: string }): Promise<{ readonly code: number; readonly output: string }> {
  const environment = { ...process.env, PATH: `${join(folder, '.bin')}${delimiter}${process.env['PATH']}`, XDG_STATE_HOME: join(folder, '.state'), HOME: folder, NO_COLOR: '1', ...more };
  return new Promise((resolve) => {
    execFile('/bin/sh', ['-c', `(${line}) 2>&1`], { cwd: folder, env: environment }, (error, output) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, output });
    });
  });
}

/** Lines must be printed as they are; `...` on a line of its own stands for any number of lines, and within one for any text. */
function assertPrinted(line: string, found: readonly string[], wanted: readonly string[]): void {
  const pattern = wanted.map((text) => (text.trim() === '...' ? '(?:.*\\n)*?' : `${text.trimEnd().split('...').map(RegExp.escape).join('.*')}[ ]*\\n`)).join('');
  assert.match(`${found.join('\n')}\n`, new RegExp(`^${pattern}$`), `${line} prints something else:\n${found.join('\n')}\n`);
}
