import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Lock, State } from '../state/state.ts';

/** For so long a lock is good when nobody renews it: who was killed is waited for no longer. */
const leaseMs = 30_000;

export interface TurnOptions {
  readonly configuration: string;
  readonly state: Pick<State, 'locks'>;
  readonly host: Host;
  /** Who asks, fit to print. */
  readonly holder: string;
  /** Whether a holder is known not to be there any more. */
  readonly isGone?: (holder: string) => boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `body` while nobody else runs the configuration. Throws `unavailable` where somebody does. The signal that `body`
 * is given fires when the lock is lost, as after the machine was asleep; then `conflict` is thrown, whatever it did.
 */
export async function inTurn<T>({ configuration, state: { locks }, host, holder, isGone, signal }: TurnOptions, body: (lock: Lock, signal: AbortSignal) => Promise<T>): Promise<T> {
  const nowMs = host.now();
  const lock = locks.take(configuration, { holder, sinceMs: nowMs, untilMs: nowMs + leaseMs }, isGone);
  if ('holder' in lock) throw new SyncError('unavailable', `another run of this configuration is under way (${lock.holder}, since ${new Date(lock.sinceMs).toISOString()})`, { hint: 'let it come to its end' });
  const [lost, over] = [new AbortController(), new AbortController()];
  const renewing = renew(lock, locks, host, over.signal).catch(() => lost.abort());
  try {
    const result = await body(lock, signal ? AbortSignal.any([signal, lost.signal]) : lost.signal);
    if (!lost.signal.aborted) return result;
  } finally {
    over.abort();
    await renewing;
    locks.release(lock);
  }
  throw new SyncError('conflict', 'this run was out of touch for so long that another one has taken over', { hint: 'nothing is lost: it does what this one did not' });
}

/** Ends with the signal, and rejects where the lock is lost. */
async function renew(lock: Lock, locks: State['locks'], host: Host, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await host.sleep(leaseMs / 3, over).catch(() => {});
    if (!over.aborted && !locks.renew(lock, host.now() + leaseMs)) throw new SyncError('conflict', 'the lock is lost');
  }
}
