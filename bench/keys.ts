// Compares two made-up stores of many keys, in order, as verify does, and then merges them twice as merge does, with
// its state on disk. Run in a process of its own, so that its memory can be measured.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runMerge } from '../src/engine/merge.ts';
import { openState } from '../src/engine/state/sqlite-state.ts';
import { runVerify } from '../src/engine/verify.ts';
import { keepMemoryFlat } from '../src/lib/flat-memory.ts';
import type { Entry } from '../src/model/entry.ts';
import type { Page, Store } from '../src/model/store.ts';

const [mode = 'verify', count = '1000000'] = process.argv.slice(2);
const keys = Number(count);
const pageEntries = 1000;
/** One entry in so many is on one side only, or differs. */
const differing = 1000;

function entryOf(side: number, i: number): Entry | undefined {
  const odd = i % differing;
  if (odd === 1 + side) return undefined;
  const value = odd === 3 ? `${i} ${side}` : `${i}`;
  return { key: `widget/${String(i).padStart(10, '0')}`, version: value, digest: { algorithm: 'sha256', value }, modifiedAt: 1_700_000_000_000_000 + (odd === 3 ? side * 1_000_000 : 0) };
}

function madeUp(side: number): Store {
  return {
    name: `made up ${side}`, identity: `made-up:${side}`,
    capabilities: {
      holds: 'documents', order: 'key', enumerates: 'all', reads: 'cheap', modifiedAt: 'kept', modifiedAtPrecision: 1, digests: ['sha256'], expects: ['absent', 'version'],
      deletes: true, dependencies: 'ignored', visibility: 'immediate', limits: { batchEntries: 100, inFlight: 2, keyBytes: 1024 },
    },
    async *scan(): AsyncGenerator<Page> {
      for (let at = 0; at < keys; at += pageEntries) {
        const entries: Entry[] = [];
        for (let i = at; i < Math.min(at + pageEntries, keys); i++) {
          const entry = entryOf(side, i);
          if (entry) entries.push(entry);
        }
        yield { entries };
      }
    },
    read: async (refs) => refs.map(({ key }) => ({ ...entryOf(side, Number(key.slice(7))), key, content: { kind: 'document' as const, document: {} } })),
    write: async (batch) => batch.map((write) => ({ kind: 'done' as const, stat: write.kind === 'put' ? { version: `${write.entry.version} written`, ...(write.entry.digest && { digest: write.entry.digest }) } : {} })),
    async [Symbol.asyncDispose](): Promise<void> {},
  };
}

keepMemoryFlat();
const [left, right] = [madeUp(0), madeUp(1)];
if (mode === 'verify') {
  const { report } = await runVerify({ origins: [left], target: right, deletes: 'propagate' });
  console.log(report.differences);
} else {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-bench-keys-'));
  try {
    await using state = openState(join(folder, 'state.sqlite'));
    const { counts } = await runMerge({ left, right, state });
    console.log(counts.created, counts.updated, counts.failed);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
