import { jitteredMs } from '../../lib/backoff.ts';
import type { Backoff } from '../../lib/backoff.ts';
import type { Host } from '../../model/host.ts';
import type { Key } from '../../model/key.ts';
import { Attention } from './attention.ts';
import type { Reach } from './attention.ts';

interface Retry {
  /** How often it has failed so far. */
  readonly failed: number;
  /** When it is to be tried; never, while it is being tried. */
  readonly dueMs: number;
  /** It changed while it was read. */
  readonly restless: boolean;
}

/**
 * What failed, each with a patience of its own, so that what never succeeds does not keep waiting what needs a moment.
 * Bounded: where there is too much, directories stand for what is in them.
 */
export class Retries {
  readonly #most: number;
  readonly #backoff: Omit<Backoff, 'attempts'>;
  readonly #host: Host;
  /** By key; the empty one stands for everything. */
  #retries = new Map<Key, Retry>();

  constructor(most: number, backoff: Omit<Backoff, 'attempts'>, host: Host) {
    this.#most = most;
    this.#backoff = backoff;
    this.#host = host;
  }

  get size(): number {
    return this.#retries.size;
  }

  /** When the first of them is to be tried. */
  get dueMs(): number {
    let dueMs = Infinity;
    for (const retry of this.#retries.values()) dueMs = Math.min(dueMs, retry.dueMs);
    return dueMs;
  }

  /** Has these tried again. The result is how long that takes at most, in milliseconds. */
  add(reach: Reach, restless: ReadonlySet<Key> = new Set()): number {
    let inMs = 0;
    for (const key of reach === 'everything' ? [''] : reach) inMs = Math.max(inMs, this.#set(key, (this.#retries.get(key)?.failed ?? 0) + 1, restless.has(key)));
    if (this.#retries.size > this.#most) this.#fold();
    return inMs;
  }

  /** What is to be tried now, or, in a run of everything, is tried anyway. */
  take(nowMs: number): Reach {
    const due = [...this.#retries].filter(([, { dueMs }]) => dueMs <= nowMs);
    for (const [key, retry] of due) this.#retries.set(key, { ...retry, dueMs: Infinity });
    const keys = due.map(([key]) => key);
    return keys.includes('') ? 'everything' : keys;
  }

  /** Forgets what was tried and has not failed again. */
  settle(): void {
    for (const [key, { dueMs }] of this.#retries) if (dueMs === Infinity) this.#retries.delete(key);
  }

  /** Has everything tried at once: what was in the way is gone. */
  hasten(): void {
    for (const [key, retry] of this.#retries) this.#retries.set(key, { ...retry, dueMs: this.#host.now() });
  }

  /** Whether a key waits because it changed while it was read; then hints of further changes are nothing new. */
  isRestless(key: Key): boolean {
    return this.#retries.get(key)?.restless === true;
  }

  /** How often a key has failed in a row. */
  failed(key: Key): number {
    return this.#retries.get(key)?.failed ?? 0;
  }

  #set(key: Key, failed: number, restless: boolean): number {
    const inMs = jitteredMs(failed, this.#backoff, this.#host.random());
    this.#retries.set(key, { failed, dueMs: this.#host.now() + inMs, restless });
    return inMs;
  }

  #fold(): void {
    const attention = new Attention(this.#most);
    attention.addAll([...this.#retries.keys()]);
    const failed = Math.max(...[...this.#retries.values()].map((retry) => retry.failed));
    const reach = attention.take();
    this.#retries = new Map();
    for (const key of reach === 'everything' ? [''] : reach) this.#set(key, failed, false);
  }
}
