import { modifiedOf } from '../../src/stores/records/instants.ts';

/** Tables of which one is watched by triggers. The other one has none, so that it is written by whatever way is fastest. */
export const tables = ['watched', 'plain'] as const;

/** One version of one record. */
export interface Version {
  readonly table: string;
  readonly id: number;
  readonly micros: number;
}

/** One change of a record, as the database saw it. */
export interface Past extends Version {
  /** `undefined`: nothing was there. */
  readonly before: number | undefined;
}

/** By which a record is known. */
export function nameOf({ table, id }: Pick<Version, 'table' | 'id'>): string {
  return `${table}/${id}`;
}

/** The last version of each record. */
export function newestOf(versions: Iterable<Version>): ReadonlyMap<string, number> {
  const newest = new Map<string, number>();
  for (const version of versions) newest.set(nameOf(version), Math.max(version.micros, newest.get(nameOf(version)) ?? 0));
  return new Map([...newest].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** An instant in any spelling, in microseconds. */
export function microsOf(text: string): number {
  return modifiedOf(text, undefined)!;
}

/** Times of versions in whole milliseconds, no two of them equal, whoever asks. */
export class Stamps {
  readonly #given = new Set<number>();

  /** A time about so many milliseconds from now. */
  next(inMs: number): number {
    let ms = Date.now() + Math.round(inMs);
    while (this.#given.has(ms)) ms++;
    this.#given.add(ms);
    return ms * 1_000;
  }
}

/** Looks at versions as they are seen one time after another, and takes note of what goes back. */
export class Watcher {
  readonly #seen = new Map<string, number>();
  readonly wrong: string[] = [];
  looks = 0;

  see(versions: Iterable<Version>): void {
    this.looks++;
    for (const version of versions) {
      const name = nameOf(version);
      const before = this.#seen.get(name) ?? 0;
      if (version.micros < before) this.wrong.push(`${name} was of ${before}, and is of ${version.micros}`);
      this.#seen.set(name, version.micros);
    }
  }
}

/** What is wrong with a history: an older version that replaced a newer one, one that came twice, or one that is gone. */
export function faultsIn(history: readonly Past[]): readonly string[] {
  const came = new Set<string>();
  return history.flatMap(({ before = 0, micros, ...rest }) => {
    const name = nameOf(rest);
    if (micros <= before) return [`${name} was of ${before}, and became of ${micros}`];
    if (came.has(`${name} ${micros}`)) return [`${name} of ${micros} came twice`];
    came.add(`${name} ${micros}`);
    return [];
  });
}
