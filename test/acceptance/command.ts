import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** How a command ended and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly cwd: string;
  readonly stdin?: string;
  readonly environment?: { readonly [name: string]: string };
}

/** Runs a command of the checkout to its end, in an environment of its own. */
export function runCommand(name: 'syncline' | 'resource-sync' | 'synced', args: readonly string[], { cwd, stdin = '', environment = {} }: Running): Promise<Ended> {
  const file = fileURLToPath(new URL(`../../src/cli/${name === 'syncline' ? 'main' : name}.ts`, import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...args], { cwd, env: { HOME: cwd, PATH: process.env['PATH'] ?? '', ...environment } });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }));
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
  });
}

/** A folder that is gone afterwards. */
export class Folder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'syncline-test-'));

  /** Every file below `under`, by its path from there, in order; empty where there is no such folder. */
  files(under = '.'): string[] {
    const root = join(this.path, under);
    if (statSync(root, { throwIfNoEntry: false }) === undefined) return [];
    return readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name))).sort();
  }

  read(path: string): string {
    return readFileSync(join(this.path, path), 'utf8');
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
