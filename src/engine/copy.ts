import { dependencies } from '../core/order.ts';
import { SeenSet } from '../lib/seen-set.ts';
import type { Entry } from '../model/entry.ts';
import { SyncError } from '../model/errors.ts';
import type { Source } from '../model/store.ts';
import { Spool } from './aside/spool.ts';
import { originOf } from './plan/plan.ts';
import { inOrder, reportCollision, scanned, union } from './plan/scan.ts';
import type { Run } from './run/run.ts';
import { reported, startRun } from './run/run.ts';
import type { Copy, Report } from './types.ts';
import type { Waiting } from './write/lane.ts';
import { levelsOf, waiting } from './write/lane.ts';
import type { Put } from './write/writer.ts';
import { Writer } from './write/writer.ts';

/**
 * Writes everything the origins hold to a target that cannot be read, each key once, parents before children and
 * otherwise in key order. Members of a cycle, and what depends on them, are refused by name. Records depend on nothing: those of
 * one place are written as they come, and none of them waits for the last one.
 */
export async function runCopy({ origins, target, ...options }: Copy): Promise<Report> {
  const run = startRun(options);
  const { ledger, context, host, backoff } = run;
  const writer = new Writer({ sink: target, side: 'right', originOf: (entry) => originOf(entry, origins), ledger, baseline: undefined, remember: 'learned', host, backoff: { ...backoff, attempts: 1 }, signal: context.signal, hashes: context.hashes });
  const [only] = origins;
  if (origins.length === 1 && only?.describe) return await reported(run, async () => await copyRecords(only, run, writer));
  using spool = new Spool();
  return await reported(run, async () => {
    const puts: Waiting[] = [];
    for await (const page of union(origins, context, { side: 'left', counted: true, want: 'content' })) {
      for (const entry of page) if (!entry.deleted && context.within?.(entry) !== false) puts.push(waiting(putOf(entry), spool));
    }
    const graph = dependencies(puts);
    ledger.emit({ kind: 'phase', phase: 'write', total: puts.length });
    const { batchEntries } = target.capabilities.limits;
    for (const level of levelsOf(graph)) {
      for (let at = 0; at < level.length; at += batchEntries) {
        context.signal?.throwIfAborted();
        await writer.put(level.slice(at, at + batchEntries).map((i) => spool.get(puts[i]!.spooled)));
      }
    }
    if (graph.order.length === puts.length) return;
    const ordered = new Set(graph.order);
    const names = graph.cycles.map((cycle) => [...cycle, cycle[0]!].map((i) => puts[i]!.key).join(' → ')).join('; ');
    puts.forEach((put, i) => {
      if (!ordered.has(i)) ledger.failed(spool.get(put.spooled), new SyncError('invalid', `${put.key} is in, or depends on, a cycle: ${names}`, { key: put.key, hint: 'remove one of the parent links' }));
    });
  });
}

async function copyRecords(source: Source, { ledger, context }: Run, writer: Writer): Promise<void> {
  const { batchEntries } = writer.sink.capabilities.limits;
  const inOneGo = { side: 'left', counted: true, want: 'content' } as const;
  const ordered = source.capabilities.order === 'key';
  const seen = source.capabilities.keys === 'unique' ? undefined : new SeenSet();
  for await (const page of ordered ? inOrder(source, context, inOneGo) : scanned(source, context, inOneGo)) {
    const fresh = page.filter((entry) => {
      const found = ordered || !seen ? 'new' : seen.add(entry.key, entry.digest?.value);
      if (found === 'different') reportCollision({ key: entry.key }, entry, source, ledger, 'left');
      return found === 'new' && !entry.deleted && context.within?.(entry) !== false;
    });
    for (let at = 0; at < fresh.length; at += batchEntries) await writer.put(fresh.slice(at, at + batchEntries).map(putOf));
  }
}

function putOf(entry: Entry): Put {
  return { kind: 'put', key: entry.key, to: 'right', entry, over: undefined, why: 'missing' };
}
