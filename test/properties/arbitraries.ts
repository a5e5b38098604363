import fc from 'fast-check';
import { openState } from '../../src/engine/state/sqlite-state.ts';
import type { State } from '../../src/engine/state/state.ts';
import type { Guard } from '../../src/core/guard.ts';
import type { Document } from '../../src/model/document.ts';
import type { Entry } from '../../src/model/entry.ts';
import type { Key } from '../../src/model/key.ts';
import type { MemoryStoreOptions } from '../../src/stores/memory/memory-store.ts';
import { MemoryStore } from '../../src/stores/memory/memory-store.ts';

// The default size keeps arrays short whatever their maximal length is, and short histories hide bugs.
export const size = 'max';

/** Keys few enough to meet, and as awkward as keys come. */
export const key: fc.Arbitrary<Key> = fc.oneof(
  fc.constantFrom('a', 'a/b', 'a.txt', 'b', '\uFFFD', '\u{1F600}', 'z', 'a/b/c', 'é', 'e\u0301', '__proto__'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }).filter((text) => text.isWellFormed()),
);

/** One change of one side by its users. */
export interface Edit {
  readonly side: 'left' | 'right';
  readonly key: Key;
  readonly value: number;
  readonly at: number;
  readonly drop: boolean;
}

export const edit: fc.Arbitrary<Edit> = fc.record({
  side: fc.constantFrom('left', 'right'), key, value: fc.integer({ min: 0, max: 3 }), at: fc.integer({ min: 1, max: 5 }), drop: fc.boolean(),
});

export const edits: fc.Arbitrary<Edit[]> = fc.array(edit, { maxLength: 30, size });
export const rounds: fc.Arbitrary<Edit[][]> = fc.array(fc.array(edit, { maxLength: 20, size }), { minLength: 1, maxLength: 4, size });

/** Shapes of stores that must make no difference. */
export const shape: fc.Arbitrary<MemoryStoreOptions> = fc.record({
  order: fc.constantFrom('key', 'none'), reads: fc.constantFrom('cheap', 'dear'),
  pageEntries: fc.integer({ min: 1, max: 5 }), batchEntries: fc.integer({ min: 1, max: 5 }), inFlight: fc.integer({ min: 1, max: 3 }),
});

/** Bytes of a sort that spills at every page, and of one that never does. */
export const sortBytes: fc.Arbitrary<number> = fc.constantFrom(1, 1_000_000);

export interface Pair {
  readonly left: MemoryStore;
  readonly right: MemoryStore;
}

export function pair(left: MemoryStoreOptions = {}, right: MemoryStoreOptions = {}): Pair {
  return { left: new MemoryStore({ name: 'left', ...left }), right: new MemoryStore({ name: 'right', ...right }) };
}

export function apply(list: readonly Edit[], stores: Pair): void {
  for (const { side, key: at, value, at: modifiedAt, drop } of list) {
    if (drop) stores[side].drop(at);
    else stores[side].edit(at, { value }, { modifiedAt });
  }
}

/** A state of its own for every run of a property. */
export function freshState(): State {
  return openState(undefined);
}

/** Nothing is refused. */
export const noGuard: Guard = { maxDeletes: Infinity };

/** Which versions of which entries a store has shown, so that a writer can be held to having seen what it replaced. */
export function witness(options: MemoryStoreOptions = {}): { readonly store: MemoryStore; readonly writes: () => number; readonly blind: readonly string[] } {
  const blind: string[] = [];
  const shown = new Set<string>();
  let writes = 0;
  const show = (entry: Entry | undefined): void => void (entry && shown.add(`${entry.version}`));
  class Shown extends MemoryStore {
    override async *scan(...args: Parameters<MemoryStore['scan']>): ReturnType<MemoryStore['scan']> {
      for await (const page of super.scan(...args)) {
        page.entries.forEach(show);
        yield page;
      }
    }
    override async read(...args: Parameters<MemoryStore['read']>): ReturnType<MemoryStore['read']> {
      const entries = await super.read(...args);
      entries.forEach(show);
      return entries;
    }
  }
  const watch: MemoryStoreOptions['watch'] = (change) => {
    options.watch?.(change);
    if (change.by === 'other') return;
    writes++;
    if (change.before && !shown.has(`${change.before.version}`)) blind.push(change.key);
    show(change.after);
  };
  return { store: new Shown({ ...options, watch }), writes: () => writes, blind };
}

/** What both stores hold, for comparing. */
export function dumps({ left, right }: Pair): readonly (MemoryStore['dump'] extends () => infer Dump ? Dump : never)[] {
  return [left.dump(), right.dump()];
}

export function documentOf(entry: Entry | undefined): Document | undefined {
  return entry?.content?.kind === 'document' ? entry.content.document : undefined;
}
