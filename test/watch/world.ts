import assert from 'node:assert/strict';
import type { Guard } from '../../src/core/guard.ts';
import { openState } from '../../src/engine/state/sqlite-state.ts';
import { watchSync } from '../../src/engine/watch.ts';
import type { WatchEvent, WatchOptions } from '../../src/engine/watch.ts';
import type { Source, Store } from '../../src/model/store.ts';
import { MemoryStore } from '../../src/stores/memory/memory-store.ts';
import { wrap } from '../../src/testing/wrap.ts';
import { Clock } from './clock.ts';
import { Teller } from './told.ts';

export interface WorldOptions extends WatchOptions {
  readonly seed?: number;
  readonly guard?: Guard;
  /** Puts something between the engine and a side. */
  readonly around?: { readonly source?: (store: Source) => Source; readonly target?: (store: Store) => Store };
  /** Whether the source tells of its changes. Default: yes. */
  readonly tells?: boolean;
}

/** A source, a target and whoever watches, in a time of their own. */
export class World implements AsyncDisposable {
  readonly clock: Clock;
  readonly teller: Teller = new Teller();
  readonly events: WatchEvent[] = [];
  readonly source: MemoryStore = new MemoryStore({ holds: 'blobs', name: 'source', watch: ({ key }) => this.teller.tell(key) });
  readonly target: MemoryStore = new MemoryStore({ holds: 'blobs', name: 'target', modifiedAt: 'assigned' });
  readonly #abort = new AbortController();
  readonly #options: WorldOptions;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.clock = new Clock(options.seed);
  }

  /** Begins to watch, and waits for the first run. */
  async start(): Promise<void> {
    const { around, guard, tells = true, ...options } = this.#options;
    const origin = tells ? wrap<Source>(this.source, { watch: (call) => this.teller.watch(call) }) : this.source;
    this.#ended = watchSync({
      origins: [around?.source?.(origin) ?? origin], target: around?.target?.(this.target) ?? this.target, deletes: 'propagate',
      host: this.clock, state: openState(undefined), signal: this.#abort.signal, ...(guard && { guard }),
    }, { ...options, on: (event) => void this.events.push(event) });
    this.#ended.catch(() => {});
    await this.clock.pass(0);
  }

  edit(key: string, text: string): void {
    this.source.edit(key, Buffer.from(text));
  }

  /** Ends the watching as a signal does; rejects where it ended badly. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.clock.pass(0);
    await this.#ended;
  }

  /** What became of the watching: it rejects as that does. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Events of one kind. */
  of<Kind extends WatchEvent['kind']>(kind: Kind): readonly (WatchEvent & { readonly kind: Kind })[] {
    return this.events.filter((event): event is WatchEvent & { readonly kind: Kind } => event.kind === kind);
  }

  /** What runs have looked at so far. */
  get reaches(): readonly unknown[] {
    return this.of('started').map(({ reach }) => reach);
  }

  assertEqual(): void {
    assert.deepEqual(this.target.dump(), this.source.dump());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => {});
    assert.equal(this.clock.sleepers, 0, 'somebody still sleeps');
    assert.equal(this.teller.listeners, 0, 'somebody still listens');
  }
}

/** A world whose source holds so many files in a folder. */
export function filled(world: World, count: number, folder = 'a'): World {
  for (let i = 0; i < count; i++) world.edit(`${folder}/${i}`, `text ${i}`);
  return world;
}
