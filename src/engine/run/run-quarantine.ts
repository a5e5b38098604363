import type { Side } from '../../core/policy.ts';
import { otherSide } from '../../core/policy.ts';
import type { Action } from '../../core/reconcile.ts';
import { canonicalJson } from '../../lib/canonical-json.ts';
import { redact } from '../../lib/redact.ts';
import type { Content, Entry, Ref } from '../../model/entry.ts';
import { statOf } from '../../model/entry.ts';
import type { FailureCode, SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import type { Problem } from '../../model/store.ts';
import { idOfPlace, isUnchanged, quarantineLimits } from './quarantine.ts';
import type { Named, Quarantine, Quarantined, QuarantineOptions } from './quarantine.ts';
import type { Failed } from '../types.ts';

/** Failures that are about what a record holds. All others are about a place, a right or the moment, and wait for a better one. */
const lasting: ReadonlySet<FailureCode> = new Set(['invalid', 'unsupported', 'corrupt']);

/** Whether a failure is about what a record holds, so that others need not fail for it. */
export function isOfRecord({ code }: SyncError): boolean {
  return lasting.has(code);
}

/** Changes gathered before they are written down. */
const mostPending = 1_000;

interface Held extends Named {
  readonly record: Quarantined;
  /** Whether the run came across it, and as what. */
  met: false | 'entry' | 'problem';
}

export interface RunQuarantineOptions {
  readonly quarantine: Quarantine;
  readonly tries?: QuarantineOptions['tries'];
  readonly now: () => number;
  /** Whether what failed for a value that another entry has is kept; where every run looks at everything, the next one may find that free. */
  readonly keepsTaken: boolean;
  /** Whether what changes is remembered: not where a run only tells what it would do. */
  readonly remembers: boolean;
}

/** What one run puts into quarantine, lets out of it and leaves there. */
export class RunQuarantine {
  readonly #options: RunQuarantineOptions;
  readonly #held = new Map<string, Held>();
  readonly #pending = { put: new Map<string, Quarantined>(), delete: new Map<string, Named>(), seen: new Map<string, Named>() };
  #bytes: number;
  #isFull = false;

  constructor(options: RunQuarantineOptions) {
    this.#options = options;
    for (const record of options.quarantine.list()) this.#held.set(nameOf(record), { side: record.side, id: record.id, record, met: false });
    this.#bytes = this.#held.size === 0 ? 0 : options.quarantine.bytes();
  }

  get size(): number {
    return this.#held.size;
  }

  /** Whether something could not be kept, because there was no more room. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** All that is held by now. */
  *all(): Generator<Quarantined> {
    for (const { record } of this.#held.values()) yield record;
  }

  /** Whether an action is to be left out, because it was tried with the very same record and failed. */
  holdsBack(action: Action): boolean {
    if (this.#held.size === 0 || (action.kind !== 'put' && action.kind !== 'undated')) return false;
    const [side, entry] = action.kind === 'put' ? [otherSide(action.to), action.entry] as const : [action.on, action.over] as const;
    const held = this.#held.get(nameOf({ side, id: action.key }));
    if (!held || !isUnchanged(entry, held.record.stat) || this.#options.tries === 'all') return false;
    this.#meet(held);
    return true;
  }

  /** Keeps an entry that failed. `undefined`: it is not one to be kept, or there is no room. */
  keepEntry(side: Side, entry: Entry, action: Failed['action'], error: SyncError): 'new' | 'known' | undefined {
    const { key, address, collection, content } = entry;
    const text = textOf(content);
    return this.#keep(error, {
      side, id: key, action, ref: { key, ...(address !== undefined && { address }), ...(collection !== undefined && { collection }) }, stat: statOf(entry), ...(text !== undefined && { text }),
    });
  }

  /** Keeps what could not be read, unless that is more than one record. `again`: this run was told of it before. */
  keepProblem(side: Side, { place, key, collection, error }: Problem): 'new' | 'known' | 'again' | undefined {
    if (collection !== undefined) return undefined;
    if (key !== undefined && this.#held.get(nameOf({ side, id: key }))?.met === 'problem') return 'again';
    const kept = this.#keep(error, { side, id: key ?? idOfPlace(place, error.sentence), action: 'read', ...(key !== undefined && { ref: { key } }) });
    const held = kept && key !== undefined ? this.#held.get(nameOf({ side, id: key })) : undefined;
    if (held) held.met = 'problem';
    return kept;
  }

  /** A key is settled, or nothing has it any more. */
  release(key: Key): void {
    if (this.#held.size === 0) return;
    for (const side of ['left', 'right'] as const) this.#delete({ side, id: key });
  }

  /**
   * What the run did not come across and is to ask for. Of what was not tried for longest there are so many that each has
   * its turn, whatever there is in quarantine.
   */
  sought(): readonly Ref[] {
    const { tries = 'changed' } = this.#options;
    if (tries === 'met') return [];
    const refs = new Map<Key, Ref>();
    for (const { record: { ref }, met } of this.#held.values()) {
      if (ref === undefined || met) continue;
      refs.set(ref.key, ref);
      if (tries === 'changed' && refs.size === quarantineLimits.sought) break;
    }
    return [...refs.values()];
  }

  /** Takes note that a key was looked at. */
  meet(key: Key): void {
    if (this.#held.size === 0) return;
    for (const side of ['left', 'right'] as const) {
      const held = this.#held.get(nameOf({ side, id: key }));
      if (held) this.#meet(held);
    }
  }

  /** Whether the run was told that an entry cannot be read, on either side. */
  isUnreadable(key: Key): boolean {
    return this.#held.size > 0 && (['left', 'right'] as const).some((side) => this.#held.get(nameOf({ side, id: key }))?.met === 'problem');
  }

  /** Everything was read, so that what was not come across is there no more: `nameless`, of what has no key that is said alone. */
  releaseUnmet(which: 'nameless' | 'all' = 'nameless'): void {
    for (const { record, met } of this.#held.values()) if (!met && (which === 'all' || record.ref === undefined)) this.#delete(record);
  }

  /** Writes down what has changed. Durable when it has returned. */
  commit(): void {
    const { quarantine, now, remembers } = this.#options;
    const { put, delete: gone, seen } = this.#pending;
    if (remembers && put.size + gone.size + seen.size > 0) quarantine.change({ put: [...put.values()], delete: [...gone.values()], seen: { atMs: now(), records: [...seen.values()] } });
    for (const changes of [put, gone, seen]) changes.clear();
  }

  #keep(error: SyncError, record: Omit<Quarantined, 'code' | 'sentence' | 'firstMs' | 'lastMs'>): 'new' | 'known' | undefined {
    // What came too early may go through when something else was written, of which nobody tells this record.
    if (!isOfRecord(error) || error.details.unmet || (error.details.taken && !this.#options.keepsTaken)) return undefined;
    const name = nameOf(record);
    const before = this.#held.get(name);
    if (!before && this.#held.size >= quarantineLimits.records) {
      this.#isFull = true;
      return undefined;
    }
    const nowMs = Math.floor(this.#options.now());
    const sentence = redact(error.sentence).slice(0, 2_000);
    const isKnown = before !== undefined && before.record.sentence === sentence && (record.stat === undefined ? before.record.stat === undefined : isUnchanged(record.stat, before.record.stat));
    const { text, ...rest } = record;
    const held = { ...rest, code: error.code, sentence, firstMs: before?.record.firstMs ?? nowMs, lastMs: nowMs };
    this.#held.set(name, { side: record.side, id: record.id, record: held, met: 'entry' });
    if (isKnown) this.#pend('seen', name, held);
    else this.#pend('put', name, { ...held, ...this.#kept(text) });
    return isKnown ? 'known' : 'new';
  }

  #kept(text: string | undefined): { readonly text?: string } {
    if (text === undefined || this.#bytes + text.length > quarantineLimits.allBytes) return {};
    this.#bytes += text.length;
    return { text };
  }

  #meet(held: Held): void {
    if (held.met) return;
    held.met = 'entry';
    this.#pend('seen', nameOf(held), held);
  }

  #delete({ side, id }: Named): void {
    const name = nameOf({ side, id });
    if (this.#held.delete(name)) this.#pend('delete', name, { side, id });
  }

  #pend<What extends 'put' | 'delete' | 'seen'>(what: What, name: string, change: What extends 'put' ? Quarantined : Named): void {
    const { put, delete: gone, seen } = this.#pending;
    if (what === 'seen' && put.has(name)) return;
    for (const changes of [put, gone, seen]) changes.delete(name);
    (this.#pending[what] as Map<string, Named>).set(name, change);
    if (put.size + gone.size + seen.size >= mostPending) this.commit();
  }
}

/** Says so where there was no more room. */
export function warnOfFull(ledger: { readonly quarantine: RunQuarantine | undefined; warn(message: string): void }): void {
  if (ledger.quarantine?.isFull) ledger.warn(`the quarantine is full, so that what else fails is looked for by every run: mend some of its ${quarantineLimits.records} records first`);
}

function nameOf({ side, id }: Named): string {
  return `${side} ${id}`;
}

function textOf(content: Content | undefined): string | undefined {
  if (content?.kind !== 'document') return undefined;
  try {
    const text = canonicalJson(content.document);
    return Buffer.byteLength(text) <= quarantineLimits.textBytes ? text : undefined;
  } catch {
    return undefined;
  }
}
