import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const sources = fileURLToPath(new URL('../../src/cli', import.meta.url));

/** How a command ended, and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string;
  readonly environment?: { readonly [name: string]: string };
  /** Who runs it, by number; only an administrator can say. */
  readonly user?: number;
  /** Called with the running process, to interfere. */
  readonly meanwhile?: (child: ChildProcess) => void;
}

/** A folder to run commands in, with a home and a state of its own; gone afterwards. */
export class Bench implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'syncline-cli-'));

  at(...parts: readonly string[]): string {
    return join(this.path, ...parts);
  }

  /** Writes files, by path. */
  write(files: { readonly [path: string]: string }): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(this.at(path)), { recursive: true });
      writeFileSync(this.at(path), text);
    }
  }

  syncline(args: readonly string[], options?: CommandOptions): Promise<Ended> {
    return this.run(join(sources, 'main.ts'), args, options);
  }

  resourceSync(args: readonly string[], options?: CommandOptions): Promise<Ended> {
    return this.run(join(sources, 'resource-sync.ts'), args, options);
  }

  run(file: string, args: readonly string[], { input = '', environment = {}, user, meanwhile }: CommandOptions = {}): Promise<Ended> {
    return new Promise((resolve, reject) => {
      const env = { PATH: process.env['PATH'] ?? '', HOME: this.at('.home'), XDG_STATE_HOME: this.at('.state'), ...environment };
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, ...args], { cwd: this.path, env, ...(user !== undefined && { uid: user }) });
      const heard = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const) child[name].setEncoding('utf8').on('data', (text: string) => (heard[name] += text));
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, ...heard }));
      child.stdin.on('error', () => {});
      child.stdin.end(input);
      meanwhile?.(child);
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A HAL document as YAML, under the name a capture gives it. */
export function resource(type: string, id: string, fields: { readonly [name: string]: string | number } = {}, parent?: string): { readonly [path: string]: string } {
  const links = [`  self:\n    href: /api/${type}/${id}\n`, ...(parent === undefined ? [] : [`  parent:up:\n    href: /api/${parent}\n`])].sort().join('');
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`).join('');
  return { [`${type}/${id}.yaml`]: `_links:\n${links}id: ${JSON.stringify(id)}\n${lines}` };
}

/** Text with what differs from run to run taken out: times, ports, the folder. */
export function steady(text: string, bench?: Bench): string {
  return (bench ? text.replaceAll(bench.path, '<folder>') : text)
    .replace(/\b\d+(\.\d+)? (s|min|h)\b/g, '<time>')
    .replace(/127\.0\.0\.1:\d+/g, '<host>');
}
