import { differingFields } from '../core/fields.ts';
import type { Action } from '../core/reconcile.ts';
import { limits } from '../lib/limits.ts';
import type { Content, Entry } from '../model/entry.ts';
import type { Key } from '../model/key.ts';
import { typeOf } from '../model/key.ts';
import type { Source } from '../model/store.ts';
import { agreedBefore } from './plan/agreed.ts';
import { originOf, planOneWay } from './plan/plan.ts';
import { planRange } from './plan/range.ts';
import { reported, startRun } from './run/run.ts';
import { learned, oneWayPolicy } from './sync.ts';
import type { OneWay, Report } from './types.ts';

/** A key that is not the same on both sides. */
export interface Difference {
  readonly key: Key;
  readonly kind: 'missing' | 'extra' | 'differs';
  /** Of documents that differ, the fields that do; fields within fields as in `address.city`. */
  readonly fields?: readonly string[];
}

/** How many keys of one type (the first part of a key) differ, and how. */
export type Differences = { readonly [kind in Difference['kind']]: number };

/** What a comparison found. */
export interface Verification {
  /** Every entry in scope was compared on both sides, and is equal. */
  readonly equal: boolean;
  /** The first {@link limits.listedFailures} differences; `report.differences` counts all. */
  readonly differing: readonly Difference[];
  /** Of each type of which any keys differ, how many do. */
  readonly types: { readonly [type: string]: Differences };
  readonly report: Report;
}

/**
 * Proves that the target holds what the origins hold and nothing else, or says which keys differ and in what. Writes nothing.
 * Within a window, that is so of what was modified in it on either side. What a run would take for equal, or not replace, is no proof.
 */
export async function runVerify(given: OneWay): Promise<Verification> {
  const pairing = asProof(given);
  const run = startRun(pairing);
  const { ledger, context } = run;
  const found = new Findings();
  const report = await reported(run, async () => {
    const options = { context, policy: oneWayPolicy({ ...pairing, deletes: 'keep' }), baseline: learned(pairing), extras: true, ordered: true, proof: 'content' } as const;
    for await (const actions of pairing.window ? planRange(pairing, options) : planOneWay(pairing, options)) {
      for (const difference of await differencesIn(actions, pairing, limits.listedFailures - found.listed.length)) {
        ledger.difference();
        found.add(difference);
      }
    }
  });
  return { equal: report.differences === 0 && report.complete && !report.interrupted, differing: found.listed, types: found.types, report };
}

/** The same pairing, compared by content whatever it says, in which is equal, too, what other runs have left in step. */
export function asProof(pairing: OneWay): OneWay {
  const inStep = pairing.inStep ?? agreedBefore(pairing);
  return { ...pairing, proof: 'content', equal: 'content', replace: 'differing', ...(inStep && { inStep }) };
}

/** Differences, counted by type, the first ones by name. */
export class Findings {
  readonly listed: Difference[] = [];
  readonly #types = new Map<string, { -readonly [kind in Difference['kind']]: number }>();

  get types(): { readonly [type: string]: Differences } {
    return Object.fromEntries([...this.#types].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  add(difference: Difference): void {
    if (this.listed.length < limits.listedFailures) this.listed.push(difference);
    const name = typeOf(difference.key);
    const counted = this.#types.has(name) || this.#types.size < limits.listedTypes ? name : '';
    let counts = this.#types.get(counted);
    if (!counts) this.#types.set(counted, (counts = { missing: 0, extra: 0, differs: 0 }));
    counts[difference.kind]++;
  }
}

/** What a page of a plan says of keys that differ; of the first `most`, the fields as well. */
async function differencesIn(actions: readonly Action[], pairing: OneWay, most: number): Promise<readonly Difference[]> {
  const pairs = actions.flatMap((action) => (action.kind === 'put' && action.over ? [{ left: action.entry, right: action.over }] : []));
  const fields = pairing.target.capabilities.holds === 'documents' ? await fieldsOf(pairs.slice(0, Math.max(0, most)), pairing) : undefined;
  return actions.flatMap((action): Difference[] => {
    const { kind, key } = action;
    if (kind === 'keep') return [{ key, kind: 'extra' }];
    if (kind !== 'put') return [];
    const names = fields?.get(key) ?? [];
    return [action.over ? { key, kind: 'differs', ...(names.length > 0 && { fields: names }) } : { key, kind: 'missing' }];
  });
}

/** In which fields documents differ. What their scans did not bring along is read. */
async function fieldsOf(pairs: readonly { readonly left: Entry; readonly right: Entry }[], { origins, target, signal }: OneWay): Promise<ReadonlyMap<Key, readonly string[]>> {
  const read = async (entries: readonly Entry[], placeOf: (entry: Entry) => Source): Promise<(entry: Entry) => Content | undefined> => {
    const found = new Map<Key, Entry | undefined>();
    for (const [place, unread] of Map.groupBy(entries.filter(({ content }) => !content), placeOf)) (await place.read(unread, signal && { signal })).forEach((entry, i) => found.set(unread[i]!.key, entry));
    return ({ key, content }) => content ?? found.get(key)?.content;
  };
  const ours = await read(pairs.map(({ left }) => left), (entry) => originOf(entry, origins));
  const theirs = await read(pairs.map(({ right }) => right), () => target);
  return new Map(pairs.flatMap(({ left, right }) => {
    const [one, other] = [ours(left), theirs(right)];
    return one?.kind === 'document' && other?.kind === 'document' ? [[left.key, differingFields(one.document, other.document)]] : [];
  }));
}
