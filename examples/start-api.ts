import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The example API, running in a process of its own on a free loopback port. */
export class ExampleApi implements AsyncDisposable {
  /** Scheme, host and port. */
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  /** Starts it, with its example data or empty. */
  static async start({ seed }: { readonly seed: boolean }): Promise<ExampleApi> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'api', 'main.ts'), ...(seed ? ['--seed'] : [])], { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: child.stdout })) {
      const url = /https?:\/\/[\w.:]+/.exec(line)?.[0];
      if (url !== undefined) return new ExampleApi(url, child);
    }
    throw new Error('the example API did not start');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
  }
}
