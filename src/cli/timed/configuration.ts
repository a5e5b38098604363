import { createHash } from 'node:crypto';
import { redact } from '../../lib/redact.ts';
import type { Values } from '../options.ts';
import type { Pairing } from '../pairing/pairing.ts';
import { partsOf } from '../pairing/places.ts';

/** What shapes the runs of one configuration, and what it is called. */
export interface Configuration {
  readonly configuration: string;
  /** Fit to print. */
  readonly name: string;
}

/** Options by which two runs of the same places are runs of two configurations. */
const shaping = ['include', 'exclude', 'rules', 'filesFrom', 'filterRegexp', 'excludeRegexp', 'minSize', 'maxSize', 'minAge', 'maxAge', 'schema', 'as', 'modified', 'modifiedUnit', 'rename', 'drop', 'mask', 'deleted', 'address'] as const satisfies readonly (keyof Values)[];
/** The same, of options that an endpoint brings along. */
const shapingParts = ['collections', 'modified', 'modifiedUnit', 'modified-unit', 'deleted', 'tombstones', 'layout', 'typeField', 'type-field'];

/** The configuration of a command line: both places, what is selected, and how it is read. */
export function configurationOf(kind: 'merge' | 'sync', endpoints: readonly string[], { pair }: Pick<Pairing, 'pair'>, values: Values): Configuration {
  const places = [...pair.origins, pair.target];
  const given = shaping.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]] as const]));
  const parts = endpoints.map((endpoint) => {
    const query = partsOf(endpoint);
    return shapingParts.flatMap((name) => (query.has(name) ? [[name, query.get(name)] as const] : []));
  });
  return {
    configuration: JSON.stringify([kind, places.map(({ identity }) => identity), parts, given]),
    name: `${kind} ${places.map(({ name }) => redact(name)).join(kind === 'merge' ? ' and ' : ' to ')}${given.map(([name, value]) => `, ${name} ${String(value)}`).join('')}`,
  };
}

/** A short name for a configuration, for command lines. */
export function idOf(configuration: string): string {
  return createHash('sha256').update(configuration).digest('hex').slice(0, 8);
}
