import { setImmediate as tick } from 'node:timers/promises';
import type { Host } from '../../src/model/host.ts';
import { plainHost } from '../../src/model/plain-host.ts';

/** A host whose clock moves when somebody sleeps, and then at once. */
export interface WaitingHost {
  readonly host: Host;
  readonly said: readonly string[];
  /** Does something as soon as so many milliseconds more were slept. */
  after(ms: number, what: () => Promise<void>): void;
}

/** A new one. */
export function waitingHost(): WaitingHost {
  const said: string[] = [];
  let nowMs = 0;
  let planned: { readonly atMs: number; readonly what: () => Promise<void> } | undefined;
  return {
    said,
    after(ms, what) {
      planned = { atMs: nowMs + ms, what };
    },
    host: {
      ...plainHost,
      now: () => nowMs,
      log: (level, message) => void said.push(`${level}: ${message}`),
      async sleep(ms, signal) {
        signal?.throwIfAborted();
        const untilMs = nowMs + ms;
        // Who else sleeps now sleeps at the same time.
        await tick();
        nowMs = Math.max(nowMs, untilMs);
        const due = planned && nowMs >= planned.atMs ? planned : undefined;
        if (due) planned = undefined;
        await due?.what();
      },
    },
  };
}
