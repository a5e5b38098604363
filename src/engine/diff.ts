import { defaultGuard } from '../core/guard.ts';
import { dependencies } from '../core/order.ts';
import type { Action } from '../core/reconcile.ts';
import { withoutContent } from '../model/entry.ts';
import type { Entry } from '../model/entry.ts';
import { SyncError } from '../model/errors.ts';
import type { Source } from '../model/store.ts';
import { Spill } from './aside/spill.ts';
import { estimateHeld } from './run/held.ts';
import { anotherPlace, recognisePlaces } from './run/places.ts';
import { originOf, planOneWay } from './plan/plan.ts';
import { twinsOf } from './plan/twins.ts';
import type { Run } from './run/run.ts';
import { reported, startRun } from './run/run.ts';
import { evidenceOf, learned, oneWayPolicy } from './sync.ts';
import type { OneWay, Report } from './types.ts';
import { refuseCycles } from './write/lane.ts';
import { Moves } from './write/moves.ts';
import { Placing } from './write/placing.ts';
import type { Delete, Deletes } from './write/writer.ts';
import { withoutContents } from './write/writer.ts';

export interface DiffOptions {
  /** Whether actions carry the content of both sides, to be shown. */
  readonly content?: boolean;
}

/**
 * What {@link runSync} would do, told page by page to `show`; nothing is written, not even what was learned. The
 * report's `differences` is the number of actions; its outcome counts tell what would happen.
 */
export async function runDiff(pairing: OneWay, show: (actions: readonly Action[]) => void | Promise<void>, { content = false }: DiffOptions = {}): Promise<Report> {
  const run = startRun(pairing, { quarantine: pairing.quarantine, remembers: false });
  const { ledger, context } = run;
  const policy = oneWayPolicy(pairing);
  // What would be refused is refused here as well; that is known when everything is.
  const ordered = pairing.target.capabilities.dependencies === 'required';
  using deletes = new Spill<Delete>();
  using moves = new Moves();
  const puts: (Action & { kind: 'put' })[] = [];
  return await reported(run, async () => {
    const placing = new Placing('right', pairing.target, run);
    const twins = await twinsOf(pairing, false);
    for await (const actions of planOneWay(pairing, { context, policy, baseline: learned(pairing), extras: true, showTarget: content, proof: pairing.proof ?? 'stat', twins: twins && { all: twins, carried: [], fill: false } })) {
      const possible = await placing.possible(actions, (entry) => originOf(entry, pairing.origins));
      for (const action of possible) {
        if (action.kind === 'put' && policy.deletes === 'propagate') moves.add(action);
        if (action.kind === 'put' && ordered) puts.push({ ...action, entry: withoutContent(action.entry), over: action.over && withoutContent(action.over) });
        else if (action.kind === 'put' || action.kind === 'delete') ledger.planned(action);
        else if (action.kind === 'keep') ledger.kept(action.key);
        else if (action.kind === 'conflict') ledger.refused(action);
        if (action.kind === 'delete') deletes.add(withoutContents(action));
      }
      await show(content ? await withContents(possible, pairing) : possible);
    }
    const graph = dependencies(puts.map(({ entry }) => entry));
    const possible = new Set(graph.order);
    refuseCycles(puts.map(({ entry }) => entry), graph, (i, error) => ledger.failed(puts[i]!, error));
    puts.forEach((put, i) => { if (possible.has(i)) ledger.planned(put); });
    await warnOfRefusal({ deletes, moves, placing }, pairing, run);
  });
}

/** What the guard would say, and that nothing would be deleted after an incomplete scan. */
async function warnOfRefusal({ deletes, moves, placing }: { readonly deletes: Deletes; readonly moves: Moves; readonly placing: Placing }, pairing: OneWay, run: Run): Promise<void> {
  const { guard = defaultGuard, target, state, held, under } = pairing;
  const { ledger } = run;
  if (deletes.length === 0) return;
  const { moved } = await recognisePlaces([...pairing.origins, target], state, pairing.signal, true);
  if (moved && pairing.guard === undefined) return ledger.warn(`a sync would end here: ${anotherPlace(moved, deletes.length).sentence}`);
  if (!ledger.complete) return ledger.warn('nothing would be deleted, because not everything could be read');
  try {
    const all = held ?? Math.max(ledger.held('right'), await estimateHeld(pairing, run.context));
    await moves.guard(deletes, { held: all, heldAtRefusal: state?.heldAtRefusal(target.identity), sourceEntries: ledger.scanned.left, target: target.name, guard, part: under !== undefined || pairing.window !== undefined }, evidenceOf(pairing, run));
    await placing.checkDeletes(deletes);
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    ledger.warn(`a sync would end here: ${error.sentence}`);
  }
}

async function withContents(actions: readonly Action[], { origins, target, signal }: OneWay): Promise<readonly Action[]> {
  const filled: Action[] = [];
  for (const action of actions) {
    if (action.kind === 'put') {
      const entry = await full(action.entry, originOf(action.entry, origins), signal);
      filled.push({ ...action, entry, over: action.over && (await full(action.over, target, signal)) });
    } else if (action.kind === 'delete' || action.kind === 'keep') filled.push({ ...action, over: await full(action.over, target, signal) });
    else filled.push(action);
  }
  return filled;
}

async function full(entry: Entry, source: Source, signal: AbortSignal | undefined): Promise<Entry> {
  if (entry.content) return entry;
  const [found] = await source.read([entry], signal && { signal });
  return found?.content ? { ...entry, content: found.content } : entry;
}
