// Mirrors a made-up place of many keys into another, once, and prints what that took as JSON. In a process of its own,
// compiled as the program is, so that its memory is that of the program.
import { readFileSync } from 'node:fs';
import { openState } from '../src/engine/state/sqlite-state.ts';
import { runSync } from '../src/engine/sync.ts';
import type { Report } from '../src/engine/types.ts';
import { keepMemoryFlat } from '../src/lib/flat-memory.ts';
import { MadeUpBucket } from './made-up-bucket.ts';

const [step = 'unchanged', count = '100000', statePath] = process.argv.slice(2);
const keys = Number(count);
keepMemoryFlat();

const started = performance.now();
const source = new MadeUpBucket('source', { keys, moved: step === 'changed', tells: step === 'equal' || step === 'listing' ? 'digests' : 'versions' });
const target = new MadeUpBucket('target', { keys: step === 'first' ? 0 : keys, moved: false, tells: 'digests' });
await using state = openState(statePath);
const { counts, differences } = step === 'listing' ? await listed() : await runSync({ origins: [source], target, deletes: 'propagate', state });
await state[Symbol.asyncDispose]();
const { userCPUTime, systemCPUTime } = process.resourceUsage();
console.log(JSON.stringify({
  wallMs: performance.now() - started, cpuMs: (userCPUTime + systemCPUTime) / 1000, peakMiB: peakMiB(),
  read: counts.read, created: counts.created, updated: counts.updated, deleted: counts.deleted, unchanged: counts.unchanged, differences, ...target.counts,
}));

/** What making the entries takes, so that it can be told from what is done with them. */
async function listed(): Promise<Pick<Report, 'counts' | 'differences'>> {
  let read = 0;
  for (const side of [source, target]) for await (const { entries } of side.scan()) read += entries.length;
  return { counts: { read, created: 0, updated: 0, deleted: 0, unchanged: 0, skipped: 0, failed: 0, kept: 0, conflicts: 0, quarantined: 0 }, differences: 0 };
}

/** What the system keeps for the process itself: the figure of {@link process.resourceUsage} may be that of its parent. */
function peakMiB(): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}
