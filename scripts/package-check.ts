// Packs the project as for publishing, installs the package in an empty folder, and uses it there as its users would.
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { root, toolScript } from './tool.ts';

const sizeLimitBytes = 3 * 1024 * 1024;
const resource = 'id: "1"\nname: Ada\n_links:\n  self:\n    href: http://example.com/api/user/1\n';

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

class Failed extends Error {}
class Skipped extends Error {}

function ensure(condition: boolean, complaint: string): asserts condition {
  if (!condition) throw new Failed(complaint);
}

const folder = mkdtempSync(join(tmpdir(), 'syncline-package-'));
const consumer = join(folder, 'consumer');

function run(command: string, args: readonly string[], { cwd = consumer, path = process.env['PATH'] ?? '' }: { cwd?: string; path?: string } = {}): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env: { ...process.env, PATH: path, XDG_STATE_HOME: join(folder, 'state'), npm_config_loglevel: 'error', npm_config_update_notifier: 'false' }, maxBuffer: 64 * 1024 * 1024, shell: process.platform === 'win32' }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, stdout, stderr });
    });
  });
}

async function succeed(command: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(command, args);
  ensure(code === 0, `${command} ${args.join(' ')} ended with ${code}: ${stderr || stdout}`);
  return stdout;
}

const steps: readonly { readonly name: string; run(): Promise<void> }[] = [
  {
    name: 'npm pack gives a package with what is needed and nothing else',
    async run() {
      rmSync(join(root, 'dist'), { recursive: true, force: true });
      const { code, stdout, stderr } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root });
      ensure(code === 0, `npm pack ended with ${code}: ${stderr}`);
      const [packed] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as { files: { path: string }[]; unpackedSize: number; filename: string }[];
      ensure(packed !== undefined, 'npm pack named no package');
      const paths = packed.files.map(({ path }) => path);
      for (const wanted of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'syncline.schema.json', 'bin/syncline.js', 'bin/resource-sync.js', 'bin/autosync.js', 'bin/synced.js', 'dist/index.js', 'dist/index.d.ts', 'dist/testing/index.js', 'dist/testing/index.d.ts']) {
        ensure(paths.includes(wanted), `the package lacks ${wanted}`);
      }
      const foreign = paths.filter((path) => !/^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|syncline\.schema\.json|bin\/[\w-]+\.js|dist\/[\w/-]+\.(?:js|d\.ts))$/.test(path) || path.includes('.test.'));
      ensure(foreign.length === 0, `the package holds ${foreign.join(', ')}`);
      ensure(packed.unpackedSize <= sizeLimitBytes, `the package has ${packed.unpackedSize} bytes unpacked (limit ${sizeLimitBytes})`);
      console.log(`  ${paths.length} files, ${Math.round(packed.unpackedSize / 1024)} KiB unpacked`);
    },
  },
  {
    name: 'the package installs in an empty folder',
    async run() {
      mkdirSync(consumer);
      writeFileSync(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
      const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
      ensure(tarball !== undefined, 'there is no tarball');
      await succeed('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, tarball));
    },
  },
  {
    name: 'npx syncline tells its version and explains itself',
    async run() {
      const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
      ensure((await succeed('npx', '--no-install', 'syncline', '--version')).includes(version), 'syncline --version does not name the version');
      const help = await succeed('npx', '--no-install', 'syncline', '--help');
      for (const command of ['sync', 'merge', 'diff', 'verify', 'stores']) ensure(help.includes(command), `syncline --help does not name ${command}`);
    },
  },
  {
    name: 'npx syncline sync splits a YAML file into a directory',
    async run() {
      writeFileSync(join(consumer, 'users.yaml'), `---\n${resource}---\n${resource.replaceAll('1', '2').replace('Ada', 'Grace')}`);
      await succeed('npx', '--no-install', 'syncline', 'sync', 'users.yaml', 'data');
      ensure(readFileSync(join(consumer, 'data/user/1.yaml'), 'utf8').includes('Ada'), 'data/user/1.yaml does not hold the resource');
      ensure(readFileSync(join(consumer, 'data/user/2.yaml'), 'utf8').includes('Grace'), 'data/user/2.yaml does not hold the resource');
      await succeed('npx', '--no-install', 'syncline', 'verify', 'users.yaml', 'data');
    },
  },
  {
    name: 'npx resource-sync does the same',
    async run() {
      await succeed('npx', '--no-install', 'resource-sync', 'users.yaml', 'copy');
      ensure(existsSync(join(consumer, 'copy/user/1.yaml')), 'copy/user/1.yaml is missing');
    },
  },
  {
    name: 'both doors of the library can be imported',
    async run() {
      writeFileSync(join(consumer, 'library.js'), `
        import { diff, merge, openStore, sync, verify } from 'syncline';
        import * as testing from 'syncline/testing';
        if (Object.keys(testing).length === 0) throw new Error('syncline/testing is empty');
        for (const entrance of [diff, merge, openStore, verify]) if (typeof entrance !== 'function') throw new Error('not a function');
        const report = await sync('users.yaml', 'library');
        console.log(report.counts.created);
      `);
      ensure((await succeed(process.execPath, 'library.js')).trim() === '2', 'sync() did not create 2 entries');
    },
  },
  {
    name: 'a TypeScript consumer type-checks',
    async run() {
      const types = join(consumer, 'node_modules', '@types');
      mkdirSync(types, { recursive: true });
      for (const name of ['@types/node', 'undici-types']) {
        if (!existsSync(join(consumer, 'node_modules', name))) cpSync(join(root, 'node_modules', name), join(consumer, 'node_modules', name), { recursive: true });
      }
      writeFileSync(join(consumer, 'library.ts'), `
        import type { Report, Store } from 'syncline';
        import { openStore, sync, SyncError } from 'syncline';
        import * as testing from 'syncline/testing';
        export async function copy(from: string, to: string): Promise<number> {
          const report: Report = await sync(from, to, { signal: AbortSignal.timeout(1000) });
          return report.counts.updated;
        }
        export const opened: Promise<unknown> = openStore('data');
        export const laws: object = testing;
        export type Held = Store['capabilities']['holds'];
        export const isOurs = (error: unknown): boolean => error instanceof SyncError;
        // @ts-expect-error: a sync has two sides
        void sync('data');
      `);
      writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions: { strict: true, module: 'nodenext', target: 'es2024', lib: ['esnext'], types: ['node'], noEmit: true }, files: ['library.ts'] }));
      const { code, stdout } = await run(process.execPath, [toolScript('typescript', 'tsc'), '-p', consumer]);
      ensure(code === 0, stdout);
    },
  },
  {
    name: 'an older Node is told so in one sentence',
    async run() {
      const old = oldNode();
      if (old === undefined) throw new Skipped('there is no Node older than 24 on this machine');
      const { code, stdout, stderr } = await run(old, [join(consumer, 'node_modules/syncline/bin/syncline.js'), '--help']);
      ensure(code !== 0 && stdout === '' && stderr.trim().split('\n').length === 1 && stderr.includes('24'), `it answered ${code}: ${stderr}${stdout}`);
      console.log(`  ${stderr.trim()}`);
    },
  },
];

/** A Node older than 24 on the search path, outside any node_modules. */
function oldNode(): string | undefined {
  const candidates = (process.env['PATH'] ?? '').split(delimiter).filter((path) => !path.includes('node_modules')).map((path) => join(path, 'node'));
  return candidates.find((path) => {
    if (!existsSync(path) || !statSync(path).isFile()) return false;
    const major = /^v(\d+)\./.exec(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout)?.[1];
    return major !== undefined && Number(major) < 24;
  });
}

const counts = { passed: 0, failed: 0, skipped: 0 };
try {
  for (const step of steps) {
    try {
      await step.run();
      counts.passed += 1;
      console.log(`✔ ${step.name}`);
    } catch (error) {
      counts[error instanceof Skipped ? 'skipped' : 'failed'] += 1;
      console.log(error instanceof Skipped ? `﹣ ${step.name} # ${error.message}` : `✖ ${step.name}\n  ${error instanceof Failed ? error.message : String(error)}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 ? 1 : 0;
