import { waitMs } from '../../lib/backoff.ts';
import type { Host } from '../../model/host.ts';

/** A connection that was cut is there again within a second or two, or its server is away for longer than is worth waiting for here. */
const patience = { attempts: 6, firstMs: 100, mostMs: 1_000 };
/** After so long nothing is tried again: who gives servers long to answer has waited by then. */
const mostMs = 10_000;

/** What the platform and the drivers call a connection that was cut, or of which nothing was heard. */
const cuts: ReadonlySet<unknown> = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'PROTOCOL_CONNECTION_LOST']);

/** Whether a connection was cut or not answered in time, so that another one may do: not that nothing listens there, or that somebody is not let in. */
export function wasCut(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cuts.has(cause.code);
}

/**
 * What `connect` comes to. It is tried again a few times, soon, where what it rejects with `passes`. Nothing but connecting
 * belongs in there, for it may be done twice.
 */
export async function connectPatiently<T>(connect: () => Promise<T>, { host, passes }: { readonly host: Pick<Host, 'now' | 'random' | 'sleep' | 'log'>; readonly passes: (cause: unknown) => boolean }): Promise<T> {
  const startedMs = host.now();
  for (let failed = 1; ; failed++) {
    try {
      return await connect();
    } catch (cause) {
      if (!passes(cause) || failed >= patience.attempts || host.now() - startedMs >= mostMs) throw cause;
      const inMs = waitMs(failed, patience, host.random());
      host.log('debug', `${cause instanceof Error ? cause.message : String(cause)}; attempt ${failed + 1} to connect in ${Math.ceil(inMs)} ms`);
      await host.sleep(inMs);
    }
  }
}
