import { checkDeletes, defaultGuard } from '../core/guard.ts';
import type { Action } from '../core/reconcile.ts';
import type { Collection } from '../model/collection.ts';
import { SyncError } from '../model/errors.ts';
import { typeOf } from '../model/key.ts';
import type { Fresh } from '../model/store.ts';
import { anotherPlace, recognisePlaces } from './run/places.ts';
import { originOf, planOneWay } from './plan/plan.ts';
import { anyOf, scanned } from './plan/scan.ts';
import type { Run } from './run/run.ts';
import { reported, startRun } from './run/run.ts';
import { learned, oneWayPolicy, runSync } from './sync.ts';
import type { Counts, OneWay, Report } from './types.ts';
import { runVerify } from './verify.ts';
import { Placing } from './write/placing.ts';

/** How often what was loaded is compared, and what has changed at the source meanwhile loaded after it. */
const mostRounds = 3;

type Show = (actions: readonly Action[]) => void | Promise<void>;

/**
 * Loads what the origins hold into fresh collections beside those of the target, compares them with the origins, and puts them in place at
 * once. A collection of which the origins hold nothing is left as it is. Nothing is loaded where both are in step; nothing is swapped where
 * anything could not be read or written, where the guard forbids what would be gone, or where somebody wrote to the target meanwhile.
 * Throws `invalid` where only a part would be looked at, for the rest would be gone.
 */
export async function runSwap(pairing: OneWay): Promise<Report> {
  const run = startRun(pairing);
  const { fresh, report, ...what } = await planned(pairing, run);
  await using prepared = fresh;
  if (!prepared || report.interrupted) return report;
  if (what.loads.length === 0) {
    if (report.complete) await prepared.fill([], pairing.signal && { signal: pairing.signal });
    return report;
  }
  const loaded = await load(pairing, prepared, what);
  const warnings = [...report.warnings, ...loaded.warnings];
  if (loaded.interrupted || !loaded.complete || loaded.counts.failed > 0) {
    return { ...undone(loaded), differences: report.differences, outstanding: report.outstanding, warnings: [...warnings, `nothing was put in place of what ${pairing.target.name} holds, because not everything could be loaded`] };
  }
  await prepared.swap(pairing.signal && { signal: pairing.signal });
  return { ...report, differences: 0, outstanding: 0, unguarded: loaded.unguarded, warnings, durationMs: report.durationMs + loaded.durationMs };
}

/** What {@link runSwap} would do, told page by page; nothing is made. */
export async function runSwapDiff(pairing: OneWay, show: Show): Promise<Report> {
  const run = startRun(pairing);
  const { fresh, report, loads } = await planned(pairing, run, show);
  await using _ = fresh;
  if (report.counts.failed > 0) return { ...undone(report), warnings: [...report.warnings, `nothing would be put in place of what ${pairing.target.name} holds, because not everything could be loaded`] };
  if (loads.length === 0) return report;
  return { ...report, warnings: [...report.warnings, `${loads.join(', ')} would be loaded anew and put in place at once`] };
}

interface Planned {
  /** Absent where there is nothing to be filled. */
  readonly fresh: Fresh | undefined;
  readonly report: Report;
  /** The collections that are to be loaded: all of which the origins hold something, provided that anything differs. */
  readonly loads: readonly string[];
  /** Whether the origins describe these and no others. */
  readonly all: boolean;
}

async function planned(pairing: OneWay, run: Run, show?: Show): Promise<Planned> {
  const { target, signal, where, within, under, window } = pairing;
  if (where ?? within ?? under ?? window) throw new SyncError('invalid', 'a swap puts whole collections in place, and what is left out would be gone', { store: target.name, hint: 'choose collections at the origin, or leave out the swap' });
  if (!target.fresh) throw new SyncError('unsupported', `${target.name} cannot put fresh collections in the place of others`, { store: target.name, hint: 'leave out --swap, or sync into a database or an index' });
  const once = pairing.origins.find(({ capabilities }) => capabilities.reads === 'once');
  if (once) throw new SyncError('invalid', `${once.name} can be read only once, and what was loaded is compared with it`, { store: once.name, hint: 'write it to a file first' });
  const { ledger, context } = run;
  let fresh: Fresh | undefined;
  let described: readonly Collection[] = [];
  try {
    const report = await reported(run, async () => {
      const collections = described = await collectionsOf(pairing, run);
      // Before anything is looked at there, so that what is written from now on is noticed.
      if (collections.length > 0) fresh = await target.fresh?.(collections, signal && { signal });
      const policy = oneWayPolicy({ deletes: 'propagate' });
      const pages = planOneWay({ ...pairing, scope: 'types' }, { context, policy, baseline: learned(pairing), extras: true, ordered: true, proof: 'content', ...(show && { showTarget: true }) });
      const placing = show && new Placing('right', target, run);
      let deletes = 0;
      for await (const planned of pages) {
        const actions = await placing?.possible(planned, (entry) => originOf(entry, pairing.origins)) ?? planned;
        for (const action of actions) {
          if (action.kind === 'put' || action.kind === 'delete') ledger.planned(action);
          if (action.kind === 'delete') deletes++;
        }
        await show?.(actions);
      }
      if (!ledger.complete) return ledger.warn('nothing is loaded, because not everything could be read');
      try {
        await guard(pairing, ledger.report({ interrupted: false }), deletes);
      } catch (error) {
        if (!show || !(error instanceof SyncError)) throw error;
        ledger.warn(`a sync would end here: ${error.sentence}`);
      }
    });
    const loads = report.complete && report.differences > 0 ? Object.entries(report.types).flatMap(([name, { read }]) => (read > 0 ? [name] : [])) : [];
    return { fresh, report, loads, all: described.every(({ name, fields }) => fields.length > 0 && loads.includes(name)) };
  } catch (error) {
    await fresh?.[Symbol.asyncDispose]();
    throw error;
  }
}

/** The collections that may be replaced: those that the origins describe, else those that they hold something of. */
async function collectionsOf({ origins, target, signal }: OneWay, { context }: Run): Promise<readonly Collection[]> {
  const found = new Map<string, Collection>();
  for (const origin of origins) {
    const described = await origin.describe?.(signal && { signal });
    for (const collection of described ?? []) found.set(collection.name, collection);
    if (described) continue;
    // What is wrong there is told when it is read to be compared.
    for await (const page of scanned(origin, { ...context, ledger: startRun({}).ledger }, { side: 'left', counted: false })) {
      for (const { key } of page) if (!found.has(typeOf(key))) found.set(typeOf(key), { name: typeOf(key), fields: [], key: [] });
    }
  }
  return [...found.values()].filter(({ name }) => target.covers?.(anyOf(name)) !== false);
}

/** A share is one of what each collection holds, so that no large one makes up for a small one that would be gone. */
async function guard({ guard: given, target, origins, state, signal }: OneWay, { types }: Report, deletes: number): Promise<void> {
  const known = await recognisePlaces([...origins, target], state, signal, deletes > 0);
  if (known.moved && deletes > 0 && given === undefined) throw anotherPlace(known.moved, deletes);
  const { maxDeletes } = given ?? defaultGuard;
  const each = Object.entries(types).map(([name, { deleted, updated, unchanged, read }]) => ({ name, deletes: deleted, held: deleted + updated + unchanged, sourceEntries: read }));
  if (typeof maxDeletes === 'number') checkDeletes({ deletes, held: each.reduce((sum, { held }) => sum + held, 0), sourceEntries: each.reduce((sum, { sourceEntries }) => sum + sourceEntries, 0), target: target.name, guard: { maxDeletes } });
  else for (const { name, ...counts } of each) checkDeletes({ ...counts, target: `${name} in ${target.name}`, guard: { maxDeletes } });
}

/** Fills fresh collections until a comparison finds nothing more to do. */
async function load(pairing: OneWay, fresh: Fresh, { loads: names, all }: Pick<Planned, 'loads' | 'all'>): Promise<Report> {
  const { target, backup: _, ...given } = pairing;
  const store = await fresh.fill(names, given.signal && { signal: given.signal });
  const inside: OneWay = {
    ...given, target: store, scope: 'everything', deletes: 'propagate', guard: { maxDeletes: Infinity },
    // Whole collections travel faster than what has to be asked of each entry.
    ...(!all && { where: (ref) => names.includes(typeOf(ref.key)) }),
  };
  for (let round = 1; ; round++) {
    const report = await runSync(inside);
    if (report.interrupted || !report.complete || report.counts.failed > 0) return report;
    const { equal, report: compared } = await runVerify(inside);
    if (equal || compared.interrupted || !compared.complete) return equal ? report : compared;
    if (round === mostRounds) throw new SyncError('conflict', `what was loaded beside ${target.name} was compared with the source ${mostRounds} times, and ${compared.differences} entries differed at last`, { store: target.name, hint: 'see whether the target keeps what it is given, or run again when less is written to the source' });
  }
}

/** A report of what was done where nobody will see it. */
function undone(report: Report): Report {
  const without = (counts: Counts): Counts => ({ ...counts, created: 0, updated: 0, deleted: 0 });
  return { ...report, counts: without(report.counts), types: Object.fromEntries(Object.entries(report.types).map(([name, counts]) => [name, without(counts)])) };
}
