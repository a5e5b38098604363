import { hostname } from 'node:os';
import { inTurn } from '../../engine/run/in-turn.ts';
import type { TurnOptions } from '../../engine/run/in-turn.ts';
import type { Lock } from '../../engine/state/state.ts';

/** Runs `body` while no other process runs the configuration: {@link inTurn}, with this process as the holder. */
export async function inTurnHere<T>(options: Omit<TurnOptions, 'holder' | 'isGone'>, body: (lock: Lock, signal: AbortSignal) => Promise<T>): Promise<T> {
  return await inTurn({ ...options, holder: `process ${process.pid} on ${hostname()}`, isGone }, body);
}

/** Whether a holder was a process of this machine that has ended. */
function isGone(holder: string): boolean {
  const [, pid, host] = /^process (\d+) on (.*)$/s.exec(holder) ?? [];
  if (pid === undefined || host !== hostname()) return false;
  // In a container every process may be the first one: whoever had our number was before us.
  if (Number(pid) === process.pid) return true;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
