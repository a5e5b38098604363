import { setMaxListeners } from 'node:events';
import { openState } from '../../engine/state/sqlite-state.ts';
import type { State } from '../../engine/state/state.ts';
import { keepMemoryFlat } from '../../lib/flat-memory.ts';
import { Limit } from '../../lib/limit.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { canonicalPath } from '../../stores/tree/paths.ts';
import { recognise } from '../../stores/open.ts';
import { exits } from '../program/exit.ts';
import { terminalHost } from '../program/host.ts';
import { Interrupt } from '../program/interrupt.ts';
import type { Values } from '../options.ts';
import { statePath } from '../pairing/pairing.ts';
import type { Terminal } from '../program/terminal.ts';
import { Outlets } from '../watch/outlets.ts';
import type { NamedSync } from './load.ts';
import { ownOf } from './own-values.ts';
import { runNamed } from './run-named.ts';
import { dueAt } from './schedule.ts';
import type { Schedule } from './schedule.ts';
import { ScheduleLines } from './schedule-lines.ts';
import { ScheduleTally } from './schedule-tally.ts';

/** The longest that is slept at a time: clocks are set, and machines sleep. */
const napMs = 15_000;

/** Runs under way at once; each holds some memory and its connections. */
const mostAtOnce = 8;

type Scheduled = NamedSync & { readonly schedule: Schedule };

/** Runs each sync at its times until it is interrupted, which is how it is meant to end: it exits with 0. */
export async function runScheduled(syncs: readonly NamedSync[], { values, terminal, chosen }: { readonly values: Values; readonly terminal: Terminal; readonly chosen: boolean }): Promise<number> {
  const timed = syncs.filter((sync): sync is Scheduled => sync.schedule !== undefined);
  const [untimed] = syncs.filter(({ schedule }) => !schedule);
  if (untimed && (chosen || timed.length === 0)) throw new SyncError('invalid', chosen ? `${untimed.name} has no times` : 'no sync has times', { hint: 'give it every or cron' });
  if (values.report === 'json') throw new SyncError('invalid', '--report json prints one object at the end, and there is none', { hint: 'use --report ndjson, or --health and a file name' });
  keepMemoryFlat();
  using interrupt = new Interrupt(terminal);
  await using state = openState(statePath(values, terminal));
  terminal.isShared = true;
  const host = terminalHost(terminal);
  const tally = new ScheduleTally(timed.map(({ name }) => name), () => host.now());
  const origins = timed.flatMap(({ args }) => args.map(recognise)).flatMap(({ kind, location }) => (kind === 'tree' ? [`tree:${canonicalPath(location)}`] : []));
  await using outlets = await Outlets.open({ tally, terminal, health: values.health, metrics: values.metrics, origins });
  outlets.update();
  const room = new Limit(mostAtOnce);
  // Every sync that waits listens.
  setMaxListeners(0, interrupt.signal);
  const lines = new ScheduleLines(terminal, values.report === 'ndjson');
  lines.begin(timed.length);
  try {
    await Promise.all(timed.map((sync) => atItsTimes(sync, { values, terminal, state, host, signal: interrupt.signal, tally, outlets, lines, room })));
  } finally {
    tally.stop();
    outlets.update();
  }
  return exits.done;
}

interface AtTimesOptions {
  readonly values: Values;
  readonly terminal: Terminal;
  readonly state: State;
  readonly host: Host;
  readonly signal: AbortSignal;
  readonly tally: ScheduleTally;
  readonly outlets: Outlets;
  readonly lines: ScheduleLines;
  readonly room: Limit;
}

async function atItsTimes(sync: Scheduled, { values, terminal, state, host, signal, tally, outlets, lines, room }: AtTimesOptions): Promise<void> {
  const { name, id, schedule } = sync;
  const sinceMs = host.now();
  // What was cut off is gone on with at once.
  const before = state.history.last(id);
  let isCut = before !== undefined && (before.ended?.exitCode ?? exits.interrupted) === exits.interrupted;
  // eslint-disable-next-line no-await-in-loop -- one run after the other is the point
  while (!signal.aborted) {
    const last = state.history.last(id)?.startMs;
    const dueMs = isCut ? host.now() : dueAt(schedule, last, sinceMs, host.now());
    tally.waiting(name, dueMs);
    outlets.update();
    await sleepUntil(dueMs ?? Infinity, host, signal);
    if (signal.aborted) return;
    // Somebody else may have run it meanwhile.
    if (!isCut && (state.history.last(id)?.startMs ?? -Infinity) > (last ?? -Infinity)) continue;
    isCut = false;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    await room.add(() => runNow(sync, { values, terminal, state, host, signal, tally, outlets, lines }).then(resolve, reject));
    await promise;
  }
}

async function runNow(sync: Scheduled, { values, terminal, state, host, signal, tally, outlets, lines }: Omit<AtTimesOptions, 'room'>): Promise<void> {
  if (signal.aborted) return;
  const { name } = sync;
  tally.started(name);
  outlets.update();
  lines.started(name);
  const { report: _, ...own } = ownOf(values);
  const end = await runNamed(sync, { terminal, own, state, host, signal });
  tally.ended(name, end);
  lines.ended(name, end);
  outlets.update();
}

async function sleepUntil(dueMs: number, host: Host, signal: AbortSignal): Promise<void> {
  for (let leftMs = dueMs - host.now(); leftMs > 0 && !signal.aborted; leftMs = dueMs - host.now()) await host.sleep(Math.min(leftMs, napMs), signal).catch(() => {});
}
