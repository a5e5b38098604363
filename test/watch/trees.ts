import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openState } from '../../src/engine/state/sqlite-state.ts';
import { watchSync } from '../../src/engine/watch.ts';
import type { WatchEvent, WatchOptions } from '../../src/engine/watch.ts';
import type { OneWay } from '../../src/engine/types.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import { TreeStore } from '../../src/stores/tree/tree-store.ts';

/** How long both sides may take to become equal on a busy machine. */
const patienceMs = 120_000;

/** The files below a directory and what each holds, one line each, in order. */
export function listTree(root: string): readonly string[] {
  const paths = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return paths.flatMap((path) => {
    try {
      return [`${path.slice(root.length + 1)} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`];
    } catch {
      return [];
    }
  }).toSorted();
}

/** One digest of all files below a directory, their names and what they hold; of a directory that is not there that of an empty one. */
export function digestTree(root: string): string {
  try {
    return createHash('sha256').update(listTree(root).join('\n')).digest('hex');
  } catch {
    return createHash('sha256').digest('hex');
  }
}

/** Resolves once both directories hold the same files; rejects with what differs when that takes too long. */
export async function becomeEqual(source: string, target: string, withinMs: number = patienceMs): Promise<void> {
  const endMs = Date.now() + withinMs;
  for (let pauseMs = 5; ; pauseMs = Math.min(200, pauseMs * 1.5)) {
    const beganMs = performance.now();
    if (digestTree(source) === digestTree(target)) return;
    if (Date.now() > endMs) {
      const [left, right] = [new Set(listTree(source)), new Set(listTree(target))];
      const some = (set: ReadonlySet<string>): readonly string[] => [...set].slice(0, 10);
      assert.deepEqual({ missing: some(left.difference(right)), surplus: some(right.difference(left)) }, { missing: [], surplus: [] }, 'the directories did not become equal');
    }
    // Looking must not take the time from those who work.
    await sleep(Math.max(pauseMs, 3 * (performance.now() - beganMs)));
  }
}

/** Two directories, and somebody who keeps the second as the first is. */
export class Trees implements AsyncDisposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'syncline-watch-'));
  readonly source: string = join(this.path, 'source');
  readonly target: string = join(this.path, 'target');
  readonly events: WatchEvent[] = [];
  readonly #abort = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor() {
    mkdirSync(this.source);
  }

  /** A path in the source. */
  at(...parts: readonly string[]): string {
    return join(this.source, ...parts);
  }

  /** Writes a file in the source, and the directories above it. */
  write(path: string, text: string): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text);
  }

  /** Begins to watch; resolves once the first run has ended. */
  async start({ pairing = {}, ...options }: WatchOptions & { readonly pairing?: Partial<OneWay> } = {}): Promise<void> {
    const { promise: mirrored, resolve } = Promise.withResolvers<void>();
    this.#ended = watchSync({
      origins: [new TreeStore(this.source, plainHost)], target: new TreeStore(this.target, plainHost, { missing: 'empty' }),
      deletes: 'propagate', state: openState(undefined), signal: this.#abort.signal, ...pairing,
    }, {
      ...options,
      on: (event) => {
        this.events.push(event);
        if (event.kind === 'ended' || event.kind === 'failed') resolve();
      },
    });
    await Promise.race([mirrored, this.#ended]);
  }

  /** Resolves once the target holds what the source does. */
  async settle(): Promise<void> {
    await becomeEqual(this.source, this.target);
  }

  /** Resolves with the first event of a kind that comes, or has come. */
  async heard<Kind extends WatchEvent['kind']>(kind: Kind): Promise<WatchEvent & { readonly kind: Kind }> {
    for (const endMs = Date.now() + patienceMs; Date.now() < endMs; await sleep(10)) {
      const event = this.events.find((one): one is WatchEvent & { readonly kind: Kind } => one.kind === kind);
      if (event) return event;
    }
    throw new Error(`nobody said ${kind}`);
  }

  /** Ends the watching; rejects where it ended badly. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.path, { recursive: true, force: true });
  }
}
