import type { RunEvent, TwoWay } from '../engine/types.ts';
import { watchMerge, watchSync } from '../engine/watch.ts';
import type { WatchEvent, WatchOptions } from '../engine/watch.ts';
import { SyncError } from '../model/errors.ts';
import type { Key } from '../model/key.ts';
import { exits } from './program/exit.ts';
import type { Values } from './options.ts';
import { withPairing } from './pairing/pairing.ts';
import type { Pairing, PairingOptions } from './pairing/pairing.ts';
import { plainError } from './render/report.ts';
import type { Terminal } from './program/terminal.ts';
import { told } from './pairing/set-aside.ts';
import { WatchLines } from './watch/lines.ts';
import { Outlets } from './watch/outlets.ts';
import { WatchTally } from './watch/tally.ts';

/** Keeps the destination as the origins are until it is interrupted, which is how it is meant to end: it exits with 0. */
export async function watch({ origins, target, values, terminal }: Pick<PairingOptions, 'origins' | 'target' | 'values' | 'terminal'>): Promise<number> {
  return withPairing({ origins, target, values, terminal, convert: true }, (pairing) => watchPairing(pairing, { values, terminal }));
}

/** The same for a pairing that is open; given a two-way one, both sides are kept as the other is. */
export async function watchPairing(pairing: Pairing, { values, terminal, twoWay }: { readonly values: Values; readonly terminal: Terminal; readonly twoWay?: TwoWay }): Promise<number> {
  const { pair, host, progress, run } = pairing;
  const watched = twoWay ? [twoWay.left, twoWay.right] : pair.origins;
  const once = watched.find(({ capabilities: { reads } }) => reads === 'once');
  if (once) throw new SyncError('invalid', `${once.name} can be read only once, and watching reads again and again`, { hint: 'name a directory, a file or a bucket' });
  const tally = new WatchTally({ origins: pair.origins.map(({ name }) => name), destination: pair.target.name }, () => host.now());
  await using outlets = await Outlets.open({ tally, terminal, health: values.health, metrics: values.metrics, origins: watched.map(({ identity }) => identity) });
  const lines = values.report === 'ndjson' ? undefined : new WatchLines(terminal, { origins: watched.map(({ name }) => name), target: pair.target.name });
  let first = true;
  const onRun = (event: RunEvent): void => {
    if (event.kind === 'retrying') tally.retrying();
    lines?.onRun(event);
    // How far the first run is may be worth a live line; later ones are over in a moment.
    if (first || lines === undefined) run.on?.(event);
  };
  const on = (event: WatchEvent): void => {
    if (event.kind === 'ended' || event.kind === 'failed') {
      first = false;
      progress.stop();
    }
    tally.on(event);
    if (lines) lines.on(event);
    else terminal.out(`${JSON.stringify(watchEventAsJson(event))}\n`);
    if (event.kind !== 'watching' && (event.kind !== 'started' || event.reach === 'everything')) outlets.update();
  };
  outlets.update();
  try {
    const common = { on: onRun, signal: run.signal ?? new AbortController().signal };
    const options = { ...timesOf(values), isDeafTo: (key: Key) => pairing.own.has(key), on };
    if (twoWay) await watchMerge({ ...twoWay, ...common }, options);
    else await watchSync({ ...told(pairing.oneWay(), values), ...common }, options);
  } finally {
    tally.stop();
    outlets.update();
  }
  return exits.done;
}

function timesOf({ fullEvery, pollEvery }: Values): WatchOptions {
  return { ...(fullEvery !== undefined && { fullEveryMs: fullEvery }), ...(pollEvery !== undefined && { pollEveryMs: pollEvery }) };
}

/** One event of watching as one line of `--report ndjson`. */
function watchEventAsJson(event: WatchEvent): object {
  switch (event.kind) {
    case 'watching': return { event: 'watching', sources: event.sources, polled: event.polled };
    case 'started': return { event: 'run-started', whole: event.reach === 'everything', hints: event.hints };
    case 'ended': {
      const { counts, problems, durationMs, interrupted } = event.report;
      return { event: 'run-ended', whole: event.reach === 'everything', counts, problems, durationMs, interrupted, behind: event.behind };
    }
    case 'failed': return { event: 'run-failed', whole: event.reach === 'everything', error: plainError(event.error), behind: event.behind };
    case 'trouble': return { event: 'trouble', troubles: event.troubles.map(({ place, error }) => ({ place, error: plainError(error) })), inMs: Math.round(event.inMs) };
    case 'refused': return { event: 'refused', error: plainError(event.error) };
    case 'recovered': return { event: 'recovered' };
    default: return event satisfies never;
  }
}
