import { waitMs } from '../../lib/backoff.ts';
import type { Patience } from '../../lib/patience.ts';
import type { Host } from '../../model/host.ts';

/** How to connect. */
export interface ConnectOptions {
  readonly host: Pick<Host, 'now' | 'random' | 'sleep' | 'log'>;
  /** Whether a failure is one of a connection, and soon over. */
  readonly passes: (cause: unknown) => boolean;
  /** Whether the server said that it has no room, which is waited for with patience. */
  readonly isBusy?: (cause: unknown) => boolean;
  readonly patience?: Patience;
  readonly signal?: AbortSignal | undefined;
}

/** A connection that was cut is there again within a second or two, or its server is away for longer than is worth waiting for here. */
const backoff = { attempts: 6, firstMs: 100, mostMs: 1_000 };
/** After so long nothing is tried again: who gives servers long to answer has waited by then. */
const mostMs = 10_000;

/** What the platform and the drivers call a connection that was cut, or of which nothing was heard. */
const cuts: ReadonlySet<unknown> = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'PROTOCOL_CONNECTION_LOST']);

/** Whether a connection was cut or not answered in time, so that another one may do: not that nothing listens there, or that somebody is not let in. */
export function wasCut(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cuts.has(cause.code);
}

/**
 * What `connect` comes to. It is tried again a few times, soon, where what it rejects with `passes`, and for as long as patience
 * lasts where the server `isBusy`. Nothing but connecting belongs in there, for it may be done twice.
 */
export async function connectPatiently<T>(connect: () => Promise<T>, { host, passes, isBusy, patience, signal }: ConnectOptions): Promise<T> {
  const startedMs = host.now();
  for (let failed = 1; ; failed++) {
    try {
      const connected = await (patience?.admit(connect, signal) ?? connect());
      patience?.progressed();
      return connected;
    } catch (cause) {
      if (patience && isBusy?.(cause) === true) {
        patience.refused(cause, cause instanceof Error ? cause.message : String(cause));
        if (patience.isOver(startedMs)) throw cause;
        continue;
      }
      if (!passes(cause) || failed >= backoff.attempts || host.now() - startedMs >= mostMs) throw cause;
      const inMs = waitMs(failed, backoff, host.random());
      host.log('debug', `${cause instanceof Error ? cause.message : String(cause)}; attempt ${failed + 1} to connect in ${Math.ceil(inMs)} ms`);
      await host.sleep(inMs, signal);
    }
  }
}
