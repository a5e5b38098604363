import type { Host } from '../model/host.ts';
import { seededRandom } from './random.ts';

/** A host whose clock moves only when somebody sleeps, at once and by as much, and whose chance comes from a seed. */
export function fakeHost({ seed = 0, startMs = 1_700_000_000_000, environment = {} }: { readonly seed?: number; readonly startMs?: number; readonly environment?: Host['environment'] } = {}): Host {
  const random = seededRandom(seed);
  let nowMs = startMs;
  return {
    now: () => nowMs,
    random: random.next,
    environment,
    log() {},
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      nowMs += ms;
    },
  };
}
