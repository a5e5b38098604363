import type { State } from '../../engine/state/state.ts';
import type { Report } from '../../engine/types.ts';
import { toSyncError } from '../../model/errors.ts';
import type { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { exitOf, exitOfError } from '../program/exit.ts';
import type { Values } from '../options.ts';
import { withPairing } from '../pairing/pairing.ts';
import type { Pairing } from '../pairing/pairing.ts';
import { prepareMerge, prepareSync, sidesOf } from '../pairing/prepare.ts';
import { recorded } from '../timed/recorded.ts';
import type { Terminal } from '../program/terminal.ts';
import type { NamedSync } from './load.ts';

/** How a run of a named sync ended: with a report, or given up with an error. */
export type NamedEnd = { readonly exitCode: number } & ({ readonly report: Report } | { readonly error: SyncError });

export interface RunNamedOptions {
  readonly terminal: Terminal;
  /** What the command line says of all runs. */
  readonly own: Pick<Values, 'state' | 'report' | 'quiet' | 'verbose' | 'debug' | 'color' | 'retryQuarantined'>;
  readonly state: State;
  readonly host: Pick<Host, 'now'>;
  readonly signal: AbortSignal;
  /** Called while the places are open. */
  readonly onReport?: (report: Report, pairing: Pairing) => void;
}

/** Runs a named sync once, while no other run of its configuration is under way, and remembers that. Never rejects for a reason of the run. */
export async function runNamed({ id, name, kind, args, values }: NamedSync, { terminal, own, state, host, signal, onReport }: RunNamedOptions): Promise<NamedEnd> {
  try {
    const report = await recorded({ id, name, history: state.history, host }, async () => await withPairing({ ...sidesOf(kind, args, { ...values, ...own }), terminal, signal }, async (pairing) => {
      const prepared = await (kind === 'sync' ? prepareSync : prepareMerge)(pairing, args, { ...values, ...own });
      const done = await prepared.runInTurn();
      pairing.progress.stop();
      onReport?.(done, pairing);
      return done;
    }));
    return { report, exitCode: exitOf(report) };
  } catch (cause) {
    const error = toSyncError(cause);
    return { error, exitCode: exitOfError(error) };
  }
}
