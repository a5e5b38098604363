import type { Action } from '../core/reconcile.ts';
import type { Entry } from '../model/entry.ts';
import type { Source } from '../model/store.ts';
import { originOf, planOneWay } from './plan.ts';
import { reported, startRun } from './run.ts';
import { learned, oneWayPolicy } from './sync.ts';
import type { OneWay, Report } from './types.ts';

export interface DiffOptions {
  /** Whether actions carry the content of both sides, to be shown. */
  readonly content?: boolean;
}

/**
 * What {@link runSync} would do, told page by page to `show`; nothing is written, not even what was learned. The
 * report's `differences` is the number of actions; its outcome counts tell what would happen.
 */
export async function runDiff(pairing: OneWay, show: (actions: readonly Action[]) => void | Promise<void>, { content = false }: DiffOptions = {}): Promise<Report> {
  const run = startRun(pairing);
  const { ledger, context } = run;
  const policy = oneWayPolicy(pairing);
  return reported(run, async () => {
    for await (const actions of planOneWay(pairing, { context, policy, baseline: learned(pairing), extras: true })) {
      for (const action of actions) {
        if (action.kind === 'put' || action.kind === 'delete') ledger.planned(action);
        else if (action.kind === 'keep') ledger.kept(action.key);
      }
      await show(content ? await withContents(actions, pairing) : actions);
    }
  });
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
