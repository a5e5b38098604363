import type { Values } from '../options.ts';

/** Of a command line what holds for each run of it. */
export function ownOf(values: Values): Pick<Values, 'state' | 'report' | 'quiet' | 'verbose' | 'debug' | 'color' | 'retryQuarantined'> {
  const { state, report, quiet, verbose, debug, color, retryQuarantined } = values;
  return Object.fromEntries(Object.entries({ state, report, quiet, verbose, debug, color, retryQuarantined }).filter(([, value]) => value !== undefined));
}
