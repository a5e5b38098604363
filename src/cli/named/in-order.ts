import { openState } from '../../engine/state/sqlite-state.ts';
import { keepMemoryFlat } from '../../lib/flat-memory.ts';
import { redact } from '../../lib/redact.ts';
import { exitOf, exits } from '../program/exit.ts';
import { finish } from '../program/finish.ts';
import { giveUp } from '../program/errors.ts';
import { terminalHost } from '../program/host.ts';
import { Interrupt } from '../program/interrupt.ts';
import type { Values } from '../options.ts';
import { statePath } from '../pairing/pairing.ts';
import { errorAsJson, reportAsJson } from '../render/report.ts';
import type { Terminal } from '../program/terminal.ts';
import { keptHintOf } from '../commands/sync.ts';
import { version } from '../program/version.ts';
import type { NamedSync } from './load.ts';
import { runNamed } from './run-named.ts';
import { ownOf } from './own-values.ts';

/** Runs syncs once, one after the other. One that fails does not keep the next from being run, an interruption does; the result is the highest exit code. */
export async function runInOrder(syncs: readonly NamedSync[], { values, terminal }: { readonly values: Values; readonly terminal: Terminal }): Promise<number> {
  keepMemoryFlat();
  using interrupt = new Interrupt(terminal);
  await using state = openState(statePath(values, terminal));
  const host = terminalHost(terminal);
  const told: object[] = [];
  let worst: number = exits.done;
  for (const sync of syncs) {
    const { name, kind } = sync;
    if (values.report === undefined && terminal.level !== 'quiet') terminal.out(`${terminal.paint('bold', `${name}:`)}\n`);
    if (values.report === 'ndjson') terminal.out(`${JSON.stringify({ event: 'run-started', sync: name })}\n`);
    let json: object | undefined;
    const end = await runNamed(sync, {
      terminal, own: ownOf(values), state, host, signal: interrupt.signal,
      onReport: (report, pairing) => {
        const { origins, target } = pairing.pair;
        if (values.report === undefined) finish(report, { command: kind, pairing, values, terminal, ...(kind === 'sync' && keptHintOf(sync.values)) });
        else json = reportAsJson(report, { command: kind, version, exitCode: exitOf(report), origins: origins.map((origin) => redact(origin.name)), destination: redact(target.name), dryRun: false });
      },
    });
    worst = Math.max(worst, end.exitCode);
    if ('error' in end) {
      if (values.report !== undefined) json = errorAsJson(end.error, { command: kind, version, exitCode: end.exitCode });
      await giveUp(end.error, { program: `syncline: ${name}`, command: kind, values: withoutReport(values), terminal });
    }
    if (json) {
      const one = { sync: name, ...json };
      if (values.report === 'ndjson') terminal.out(`${JSON.stringify({ event: 'report', ...one })}\n`);
      told.push(one);
    }
    if (interrupt.signal.aborted) {
      worst = exits.interrupted;
      break;
    }
  }
  if (values.report === 'json') terminal.out(`${JSON.stringify({ program: 'syncline', version, command: 'run', exitCode: worst, runs: told }, null, 2)}\n`);
  return worst;
}

function withoutReport({ report: _, ...rest }: Values): Values {
  return rest;
}
