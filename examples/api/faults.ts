/** Something that goes wrong with some requests. Exactly one of `status`, `reset`, `truncate` and `hang` says what. */
export interface Fault {
  /** Default: every method. */
  readonly method?: string;
  /** The whole path with its query, or an expression it matches. Default: every path. */
  readonly path?: string | RegExp;
  /** How many requests pass unharmed before it begins. Default: none. */
  readonly after?: number;
  /** How many requests it harms. Default: all. */
  readonly times?: number;
  /** Answers with this status and leaves everything as it is. */
  readonly status?: number;
  /** Sent with the status. */
  readonly headers?: { readonly [name: string]: string };
  /** What the answer says is wrong. */
  readonly detail?: string;
  /** Breaks the connection: `before` the request has any effect, or `after` it had, so that only the answer is lost. */
  readonly reset?: 'before' | 'after';
  /** Does as it was asked, and breaks the connection in the middle of the answer. */
  readonly truncate?: true;
  /** Does nothing, and never answers. */
  readonly hang?: true;
}

/** The faults of one server, and how often each has struck. */
export class Faults {
  readonly #faults: { readonly fault: Fault; met: number }[] = [];

  add(...faults: readonly Fault[]): void {
    for (const fault of faults) this.#faults.push({ fault, met: 0 });
  }

  /** The fault that strikes this request. */
  strike(method: string, path: string): Fault | undefined {
    for (const waiting of this.#faults) {
      const { fault } = waiting;
      if (fault.method !== undefined && fault.method !== method) continue;
      if (fault.path !== undefined && !(typeof fault.path === 'string' ? fault.path === path : fault.path.test(path))) continue;
      const turn = waiting.met++ - (fault.after ?? 0);
      if (turn >= 0 && turn < (fault.times ?? Infinity)) return fault;
    }
    return undefined;
  }
}
