import type { OneWay } from '../../engine/types.ts';
import type { Sink, Source } from '../../model/store.ts';
import type { Configuration } from '../timed/configuration.ts';
import type { Values } from '../options.ts';
import type { Pairing } from './pairing.ts';

/** The one-way pairing: what an origin tells was deleted is deleted, for who names a table of deletions there has asked for that. */
export function told(oneWay: OneWay, { delete: removes }: Pick<Values, 'delete'>): OneWay {
  return removes || oneWay.origins.every(({ tombstones }) => tombstones === undefined) ? oneWay : { ...oneWay, deletes: 'told' };
}

/** The same with the quarantine of its configuration, where tables or indices take part and there is a state to keep it in. */
export function settingAside(pairing: Pairing, { configuration, name }: Configuration, values: Values): OneWay {
  const { from, until, retryQuarantined: retry } = values;
  const oneWay = told(pairing.oneWay(), values);
  if (!pairing.remembers || ![...oneWay.origins, oneWay.target].some(describes)) return oneWay;
  // A run of a range leaves alone what lies outside of it.
  const inRange = from !== undefined || until !== undefined;
  return { ...oneWay, quarantine: { configuration, name, tries: retry ? 'all' : inRange ? 'met' : 'changed' } };
}

function describes(store: Source | Sink): boolean {
  return 'describe' in store && store.describe !== undefined;
}
