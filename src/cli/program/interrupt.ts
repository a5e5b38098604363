import { exits } from './exit.ts';
import type { Terminal } from './terminal.ts';

/** How long what nobody waits for any more may keep the process from ending. */
const lingerMs = 500;

/** A signal that fires at the first interruption; the second one ends the process at once. */
export class Interrupt implements Disposable {
  readonly #abort = new AbortController();
  readonly #terminal: Terminal;
  readonly #stop = (): void => {
    if (this.#abort.signal.aborted) process.exit(exits.interrupted);
    this.#terminal.err('stopping: finishing the writes under way (interrupt again to stop at once)');
    this.#abort.abort();
  };

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, this.#stop);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  [Symbol.dispose](): void {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, this.#stop);
    if (this.#abort.signal.aborted) setTimeout(() => process.exit(), lingerMs).unref();
  }
}
