import { pairingName } from '../../src/engine/merge.ts';
import { openState } from '../../src/engine/state/sqlite-state.ts';
import type { State } from '../../src/engine/state/state.ts';
import type { Side } from '../../src/core/policy.ts';
import { canonicalJson } from '../../src/lib/canonical-json.ts';
import type { Document } from '../../src/model/document.ts';
import type { Entry } from '../../src/model/entry.ts';
import type { Key } from '../../src/model/key.ts';
import { MemoryStore } from '../../src/stores/memory/memory-store.ts';
import type { MemoryChange, MemoryStoreOptions } from '../../src/stores/memory/memory-store.ts';
import { keyFrom } from '../../src/testing/index.ts';
import type { Random } from '../../src/testing/index.ts';

/** What kinds of runs are simulated. */
export const topologies = ['one-way, in order', 'one-way, as it comes', 'one-way, parents first', 'one-way, to a store that changes what it is given', 'one-way, nothing deleted', 'two-way', 'two-way, with a store that changes what it is given'] as const;

export type Topology = (typeof topologies)[number];

/** Two stores, their users, and everything that was ever in them. */
export class World {
  readonly topology: Topology;
  readonly left: MemoryStore;
  readonly right: MemoryStore;
  readonly state: State = openState(undefined);
  /** Every change that the engine made, in order. */
  readonly writes: (MemoryChange & { readonly side: Side })[] = [];
  /** What happened, for whoever reads of a failure. */
  readonly story: string[] = [];
  readonly #random: Random;
  /** Every content that each side ever held, as `key digest` and `key payload`. */
  readonly #held: { readonly [side in Side]: Set<string> } = { left: new Set(), right: new Set() };
  /** What users wrote and no user has replaced or removed since, by its payload. */
  readonly #live = new Map<number, Key>();
  readonly #gone = new Set<string>();
  #payloads = 0;
  #clock = 0;

  constructor(random: Random, topology: Topology) {
    this.#random = random;
    this.topology = topology;
    this.left = new MemoryStore({ ...this.#options('left'), ...(topology === 'one-way, as it comes' && { order: 'none' }) });
    this.right = new MemoryStore({ ...this.#options('right'), ...this.#targetOptions() });
  }

  get twoWay(): boolean {
    return this.topology.startsWith('two-way');
  }

  /** Someone changes something, on either side; on the target of a one-way run seldom. */
  edit(): void {
    const side: Side = this.#random.chance(this.twoWay ? 0.5 : 0.85) ? 'left' : 'right';
    const store = this[side];
    const key = this.topology === 'one-way, parents first' ? `${this.#random.below(12)}` : keyFrom(this.#random);
    const replaced = payloadOf(store.peek(key));
    if (replaced !== undefined) this.#live.delete(replaced);
    if (this.#random.chance(0.3)) {
      this.#drop(side, key);
      return;
    }
    const payload = ++this.#payloads;
    this.#live.set(payload, key);
    const dependsOn = this.#parents(store, key);
    store.edit(key, { payload, ...(dependsOn.length > 0 && { dependsOn }) }, { modifiedAt: ++this.#clock - this.#random.below(3), dependsOn });
    this.tell(`${side} user writes ${key} = ${payload}${dependsOn.length > 0 ? ` under ${dependsOn.join()}` : ''}`);
  }

  tell(line: string): void {
    this.story.push(line);
  }

  /** Keys that a side lacked at some time since `since`, a number of lines of the story. */
  lacked(side: Side, key: Key): boolean {
    return this.#gone.has(`${side} ${key}`) || this[side].peek(key) === undefined;
  }

  /** From here on {@link lacked} tells of what follows. */
  beginRun(): void {
    this.#gone.clear();
    for (const side of ['left', 'right'] as const) for (const key of Object.keys(this[side === 'left' ? 'right' : 'left'].dump())) if (!this[side].peek(key)) this.#gone.add(`${side} ${key}`);
  }

  /** `content`: a digest, or a payload. */
  hasHeld(side: Side, key: Key, content: string | number | undefined): boolean {
    return content === undefined || this.#held[side].has(`${key} ${content}`);
  }

  /** What users wrote that can be found neither on a side nor among what is kept of lost conflicts. */
  missing(): readonly number[] {
    const found = new Set<number | undefined>(Object.keys(this.left.dump()).map((key) => payloadOf(this.left.peek(key))));
    for (const key of Object.keys(this.right.dump())) found.add(payloadOf(this.right.peek(key)));
    for (const { text } of this.state.lost(pairingName(this))) found.add((JSON.parse(text) as { payload: number }).payload);
    return [...this.#live.keys()].filter((payload) => !found.has(payload));
  }

  /** Whether the sides are as a run that went well leaves them. */
  inStep(): string | undefined {
    const [left, right] = [this.left.dump(), this.right.dump()];
    for (const [key, document] of Object.entries(left)) {
      if (!Object.hasOwn(right, key)) return `${key} is only on the left`;
      const [wanted, held] = [document, right[key] as Document].map((side) => canonicalJson(side));
      const made = canonicalJson(changed(document as Document));
      if (held !== wanted && !(this.topology.endsWith('changes what it is given') && held === made)) return `${key} is ${wanted} on the left and ${held} on the right`;
    }
    const extra = Object.keys(right).find((key) => !Object.hasOwn(left, key));
    return extra === undefined || this.topology === 'one-way, nothing deleted' ? undefined : `${extra} is only on the right`;
  }

  #options(side: Side): MemoryStoreOptions {
    const watch = (change: MemoryChange): void => {
      const { key, before, after, by } = change;
      if (after?.digest) this.#held[side].add(`${key} ${after.digest.value}`).add(`${key} ${payloadOf(after)}`);
      else this.#gone.add(`${side} ${key}`);
      if (by === 'other') return;
      this.writes.push({ ...change, side });
      this.tell(`  engine ${after ? `writes ${key} = ${payloadOf(after)}` : `deletes ${key}`} on the ${side}, over ${payloadOf(before)}`);
    };
    const random = this.#random;
    return {
      name: side, identity: side, watch, pageEntries: 1 + random.below(6), batchEntries: 1 + random.below(4), inFlight: 1 + random.below(3),
      order: this.twoWay && random.chance(0.3) ? 'none' : 'key', reads: random.chance(0.7) ? 'cheap' : 'dear',
    };
  }

  #targetOptions(): MemoryStoreOptions {
    switch (this.topology) {
      case 'one-way, as it comes': return { reads: 'cheap' };
      case 'one-way, parents first': return { dependencies: 'required', strictParents: true };
      case 'one-way, to a store that changes what it is given':
      case 'two-way, with a store that changes what it is given': return { transform: changed };
      default: return {};
    }
  }

  #parents(store: MemoryStore, key: Key): readonly Key[] {
    if (this.topology !== 'one-way, parents first') return [];
    // Only on smaller numbers, so that no circle can arise.
    return Object.keys(store.dump()).filter((name) => Number(name) < Number(key) && this.#random.chance(0.3)).slice(0, 2);
  }

  /** Users, too, remove children first: what would dangle goes along. */
  #drop(side: Side, key: Key): void {
    const store = this[side];
    for (const child of Object.keys(store.dump())) if (store.peek(child)?.dependsOn?.includes(key)) this.#drop(side, child);
    const replaced = payloadOf(store.peek(key));
    if (replaced !== undefined) this.#live.delete(replaced);
    store.drop(key);
    this.tell(`${side} user removes ${key}`);
  }
}

/** What becomes of a document at a store that stamps. To stamp again changes nothing. */
function changed(document: Document): Document {
  return { ...document, stamp: `made of ${document['payload'] as number}` };
}

/** What an entry's content says it is. */
export function payloadOf(entry: Entry | undefined): number | undefined {
  return entry?.content?.kind === 'document' ? (entry.content.document['payload'] as number | undefined) : undefined;
}
