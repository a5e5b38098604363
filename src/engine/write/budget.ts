import { Pace } from '../../lib/pace.ts';
import type { Timetable } from '../../lib/pace.ts';
import type { Content } from '../../model/entry.ts';
import type { Host } from '../../model/host.ts';

/** How much of what a run may use. */
export interface BudgetOptions {
  /** Bytes of content; when so many were sent, nothing more is begun. */
  readonly maxBytes?: number;
  /** Milliseconds; when they are over, nothing more is begun. */
  readonly maxMs?: number;
  /** Bytes of content a second. */
  readonly bandwidth?: Timetable;
}

/** What a run has used of what it may use. Counts bytes of files, not of documents. */
export class Budget {
  readonly #options: BudgetOptions;
  readonly #host: Host;
  readonly #startedMs: number;
  readonly #pace: Pace | undefined;
  #bytes = 0;

  constructor(options: BudgetOptions, host: Host) {
    this.#options = options;
    this.#host = host;
    this.#startedMs = host.now();
    this.#pace = options.bandwidth && new Pace(options.bandwidth, host);
  }

  /** Why nothing more may be begun; `undefined` while it may. */
  get spent(): string | undefined {
    const { maxBytes = Infinity, maxMs = Infinity } = this.#options;
    if (this.#bytes >= maxBytes) return `${this.#bytes} bytes were sent, and ${maxBytes} were allowed`;
    if (this.#host.now() - this.#startedMs >= maxMs) return `the ${Math.round(maxMs / 1_000)} seconds that were allowed are over`;
    return undefined;
  }

  /** The same content, counted and held back while it passes. */
  metered(content: Content, signal: AbortSignal | undefined): Content {
    const { maxBytes, bandwidth } = this.#options;
    if (content.kind !== 'blob' || (maxBytes === undefined && bandwidth === undefined)) return content;
    const pass = (bytes: number): Promise<void> | undefined => {
      this.#bytes += bytes;
      return this.#pace?.take(bytes, signal);
    };
    return {
      ...content,
      async *bytes(room) {
        for await (const chunk of content.bytes(room)) {
          await pass(chunk.length);
          yield chunk;
        }
      },
    };
  }
}
