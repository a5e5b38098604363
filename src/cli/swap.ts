import { runSwap, runSwapDiff } from '../engine/swap.ts';
import type { Report } from '../engine/types.ts';
import { SyncError } from '../model/errors.ts';
import { loadSchema } from '../stores/open.ts';
import type { Invocation } from './program/command.ts';
import { finish } from './program/finish.ts';
import { inTurnHere } from './timed/in-turn-here.ts';
import { withPairing } from './pairing/pairing.ts';
import type { Pairing } from './pairing/pairing.ts';
import { splitPlaces } from './pairing/places.ts';
import { showAction } from './render/diff.ts';

/** Loads and swaps, while no other run does so with the same target. */
export async function swapInTurn(pairing: Pairing, signal: AbortSignal | undefined): Promise<Report> {
  const { state, host } = pairing;
  const oneWay = checked(pairing);
  return await inTurnHere({ configuration: JSON.stringify(['swap', oneWay.target.identity]), state, host, signal: signal ?? oneWay.signal }, async (_, held) => await runSwap({ ...oneWay, signal: held }));
}

/** Prints what a run with `--swap` would do. */
export async function showSwap({ args, values, terminal }: Invocation): Promise<number> {
  const { origins, target } = splitPlaces(args);
  const schema = await loadSchema(values.schema ?? 'hal');
  return await withPairing({ origins, target, values, terminal, convert: true }, async (pairing) => {
    const report = await runSwapDiff(checked(pairing), async (actions) => {
      for (const action of actions) {
        const line = values.report === 'ndjson' ? showAction.asJson(action) : undefined;
        if (line) terminal.out(`${JSON.stringify(line)}\n`);
        else if (values.report === undefined && !values.quiet) terminal.out(await showAction.asText(action, { paint: terminal.paint, schema, content: false }));
      }
    });
    pairing.progress.stop();
    return finish(report, { command: 'sync', pairing, values, terminal, planned: true, differencesAreFine: true });
  });
}

/** The pairing; throws `invalid` where only a part of it would be looked at, for the rest would be gone. */
function checked({ selection, oneWay }: Pairing): ReturnType<Pairing['oneWay']> {
  if (selection) throw new SyncError('invalid', '--swap puts whole collections in place, and what is left out would be gone', { hint: 'leave out --include, --exclude and the like, or --swap; choose collections with ?collections= at the origin' });
  // Files in which the run itself remembers things are no documents, and need not be hidden.
  const { where: _, ...whole } = oneWay();
  return whole;
}
