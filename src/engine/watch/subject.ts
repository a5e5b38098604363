import type { Guard } from '../../core/guard.ts';
import type { Host } from '../../model/host.ts';
import type { Key } from '../../model/key.ts';
import type { Sink, Source } from '../../model/store.ts';
import { runMerge } from '../merge.ts';
import type { State } from '../state/state.ts';
import { runSync } from '../sync.ts';
import type { OneWay, Report, TwoWay } from '../types.ts';

/** One run of what is watched. */
export interface Part {
  /** Absent: all of it. */
  readonly under?: readonly Key[];
  /** How much the whole place holds, for the guard. Absent: what the run finds. */
  readonly held?: number;
  readonly guard?: Guard;
  /** Nothing is to be deleted by this run. */
  readonly keep?: true;
}

/** What is watched: the places whose changes matter, and how they are brought in step. */
export interface Subject {
  /** Whose changes are listened to. */
  readonly sources: readonly Source[];
  readonly places: readonly (Source | Sink)[];
  /** What troubles are about that no store is named for; printable. */
  readonly name: string;
  readonly guard: Guard | undefined;
  readonly host: Host | undefined;
  readonly state: State | undefined;
  readonly signal: AbortSignal;
  /** Whether a part of one side can be compared with the same part of the other. */
  readonly narrows: boolean;
  run(part: Part): Promise<Report>;
  /** How much there is, by counting. */
  count(): Promise<number>;
}

/** What can be said of either kind of pairing. */
type Common = Pick<OneWay, 'guard' | 'host' | 'state' | 'where' | 'scope'> & { readonly signal: AbortSignal };

function subjectOf({ guard, host, state, signal, where = (): boolean => true, scope }: Common, { sources, places, counted, name }: Pick<Subject, 'sources' | 'places' | 'name'> & { readonly counted: Source }, run: Subject['run']): Subject {
  return {
    sources, places, name, guard, host, state, signal, run,
    narrows: scope !== 'types' && places.every(({ capabilities }) => capabilities.enumerates === 'all'),
    async count() {
      let count = 0;
      for await (const { entries } of counted.scan({ signal })) count += entries.filter(where).length;
      return count;
    },
  };
}

/** A target that is to be as its origins are. */
export function oneWaySubject(pairing: OneWay & { readonly signal: AbortSignal }): Subject {
  const { origins, target } = pairing;
  return subjectOf(pairing, { sources: origins, places: [...origins, target], counted: target, name: target.name }, async ({ keep, ...part }) => await runSync({ ...pairing, ...part, ...(keep && { deletes: 'keep' as const }) }));
}

/** Two sides that are to hold the same, whichever of them changes. */
export function twoWaySubject(pairing: TwoWay & { readonly signal: AbortSignal }): Subject {
  const { left, right } = pairing;
  return subjectOf(pairing, { sources: [left, right], places: [left, right], counted: right, name: right.name }, async ({ keep, ...part }) => await runMerge({ ...pairing, ...part, ...(keep && { deletes: 'keep' as const }) }));
}

