import type { Side } from '../../core/policy.ts';
import { otherSide } from '../../core/policy.ts';
import type { Action } from '../../core/reconcile.ts';
import { limits } from '../../lib/limits.ts';
import type { Entry, Micros } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import { joinKey, typeOf } from '../../model/key.ts';
import type { Problem } from '../../model/store.ts';
import type { RunQuarantine } from './run-quarantine.ts';
import type { Counts, Failed, Flow, RangeTally, Report, RunEvent } from '../types.ts';

type Tally = { -readonly [count in keyof Counts]: number };
type Kept = ReturnType<RunQuarantine['keepEntry']>;
type Flows = { readonly [side in Side]: { -readonly [count in keyof Flow]: number } };

const none: Counts = { read: 0, created: 0, updated: 0, deleted: 0, unchanged: 0, skipped: 0, failed: 0, kept: 0, conflicts: 0, quarantined: 0 };
const noFlow: Flow = { read: 0, written: 0, skipped: 0, conflicting: 0, quarantined: 0 };
/** What is counted of one type. */
interface Type {
  readonly tally: Tally;
  readonly flows: Flows;
}

/** Counts what a run does and tells whoever listens. One per run. */
export class Ledger {
  readonly scanned: { [side in Side]: number } = { left: 0, right: 0 };
  /** How many more entries each side holds by what the run has done. */
  readonly more: { [side in Side]: number } = { left: 0, right: 0 };
  readonly #tombstones: { [side in Side]: number } = { left: 0, right: 0 };
  readonly #types = new Map<string, Type>();
  /** How keys of the type begin that was counted last. */
  #last: { readonly start: string; readonly type: Type } | undefined;
  readonly #on: (event: RunEvent) => void;
  readonly #now: () => number;
  readonly #startedMs: number;
  #failures: Failed[] = [];
  /** Why collections have no place where they were to go, and how many of their entries that was said of. */
  readonly #homeless = new Map<SyncError, number>();
  #warnings: string[] = [];
  #settled = 0;
  #unguarded = 0;
  #problems = 0;
  /** Of the problems those that are in quarantine. */
  #problemsKept = 0;
  #differences = 0;
  /** Of the differences what was left there on purpose, or is in quarantine. */
  #remembered = 0;
  #brokenOff = false;
  #ranges: RangeTally | undefined;
  readonly #flowing: boolean;
  #skippedFrom: Micros | undefined;

  /** Where records are set aside that cannot be carried across, if anywhere. */
  readonly quarantine: RunQuarantine | undefined;

  /** `flowing`: what goes each way is counted by itself. */
  constructor(on: ((event: RunEvent) => void) | undefined, now: () => number, { flowing = false, quarantine }: { readonly flowing?: boolean; readonly quarantine?: RunQuarantine | undefined } = {}) {
    this.#flowing = flowing;
    this.quarantine = quarantine;
    this.#on = on ?? ((): void => {});
    this.#now = now;
    this.#startedMs = now();
  }

  /** Whether everything that should have been read could be read. */
  get complete(): boolean {
    return this.#problems === 0;
  }

  /** How many of the entries that were read on one side are no tombstones. */
  held(side: Side): number {
    return this.scanned[side] - this.#tombstones[side];
  }

  /** Whether all that could not be read is known one by one, and in quarantine. */
  get sawAll(): boolean {
    return this.#problems === this.#problemsKept;
  }

  /** Whether something that was to be written or deleted was not. */
  get failing(): boolean {
    return this.#brokenOff || [...this.#types.values()].some(({ tally: { failed } }) => failed > 0);
  }

  /** Entries that are equal and were not read. */
  get proved(): number {
    return this.#ranges?.equal ?? 0;
  }

  emit(event: RunEvent): void {
    this.#on(event);
  }

  /** Entries that were read on one side; `counted` when the side is one whose entries, as far as they are `within` the scope, are to be settled. */
  read(side: Side, entries: readonly Entry[], counted: boolean, within?: (entry: Entry) => boolean): void {
    this.scanned[side] += entries.length;
    const to = otherSide(side);
    for (const { deleted } of entries) if (deleted) this.#tombstones[side]++;
    if (counted) {
      for (const entry of entries) {
        if (within?.(entry) === false) continue;
        const { tally, flows } = this.#type(entry.key);
        tally.read++;
        flows[to].read++;
      }
    }
    this.#on({ kind: 'scanned', side, entries: this.scanned[side] });
  }

  /** Entries of one type that were read on both sides without being looked at one by one: all but the equal ones are settled by themselves. */
  compared(type: string, { left, right, equal }: { readonly left: number; readonly right: number; readonly equal: number }): void {
    const { tally, flows } = this.#type(joinKey([type, '']));
    this.scanned.left += left;
    this.scanned.right += right;
    tally.read += left;
    flows.right.read += left;
    tally.unchanged += equal;
    this.#on({ kind: 'scanned', side: 'left', entries: this.scanned.left });
    this.#on({ kind: 'scanned', side: 'right', entries: this.scanned.right });
  }

  /** Entries of one type that were read and created without being looked at one by one. */
  carried(type: string, entries: number): void {
    const { tally, flows } = this.#type(joinKey([type, '']));
    this.scanned.left += entries;
    tally.read += entries;
    flows.right.read += entries;
    tally.created += entries;
    flows.right.written += entries;
    this.#on({ kind: 'scanned', side: 'left', entries: this.scanned.left });
    this.#on({ kind: 'carried', entries });
  }

  /** An entry of those that were {@link proven} equal is looked at nevertheless, and counted by what comes of that. */
  unproven(key: Key): void {
    this.#tally(key).unchanged--;
  }

  problem(side: Side, problem: Problem): void {
    const kept = this.quarantine?.keepProblem(side, problem);
    if (kept === 'again') return;
    this.#problems++;
    if (kept) this.#problemsKept++;
    if (kept !== 'known') this.#list({ place: problem.place, side, action: 'read', error: problem.error });
    this.#on({ kind: 'problem', side, problem });
  }

  warn(message: string): void {
    if (this.#warnings.length < limits.listedFailures) this.#warnings.push(message);
    this.#on({ kind: 'warning', message });
  }

  unchanged(key: Key): void {
    this.quarantine?.release(key);
    this.#tally(key).unchanged++;
  }

  /** In step, as far as this run goes: what is the news lies outside of what it looks at. */
  outside(key: Key): void {
    this.#tally(key).unchanged++;
  }

  /** What was tried before and failed, and is not tried again. */
  heldBack(): void {
    this.#differences++;
    this.#remembered++;
  }

  kept(key: Key): void {
    this.#tally(key).kept++;
    this.#differences++;
    this.#remembered++;
  }

  settled(key: Key): void {
    this.quarantine?.release(key);
    this.#settled++;
    this.#tally(key).unchanged++;
  }

  /** Entries of one collection that digests of ranges have proven to be equal on both sides. `start`: how their keys begin. */
  proven(start: Key, { compared, differing, equal }: RangeTally): void {
    const { tally, flows } = this.#type(start);
    tally.unchanged += equal;
    tally.read += this.#flowing ? 2 * equal : equal;
    for (const side of ['left', 'right'] as const) {
      flows[side].read += equal;
      this.scanned[side] += equal;
      this.#on({ kind: 'scanned', side, entries: this.scanned[side] });
    }
    const before = this.#ranges ?? { compared: 0, differing: 0, equal: 0 };
    this.#ranges = { compared: before.compared + compared, differing: before.differing + differing, equal: before.equal + equal };
  }

  /** What was to be written is older than what is held by now. */
  skipped(action: Action & { kind: 'put' }, foundAt: Micros): void {
    const { tally, flows } = this.#type(action.key);
    tally.skipped++;
    flows[action.to].skipped++;
    this.#skippedFrom = Math.min(foundAt, this.#skippedFrom ?? Infinity);
    this.#on({ kind: 'skipped', action });
  }

  /** An entry without a time, where the time is to decide. */
  undated({ key, on, over }: Action & { kind: 'undated' }): void {
    const { place = key, untimed = { why: 'does not say when it was modified', hint: 'give it a time' } } = over;
    const error = new SyncError('invalid', `${place} ${untimed.why}, so that nobody knows whether it is the newest`, { key, hint: untimed.hint });
    this.#failEntry({ place, side: on, action: 'read', error }, key, this.quarantine?.keepEntry(on, over, 'read', error));
  }

  /** Counts a write that a run would make. */
  planned(action: Action & { kind: 'put' | 'delete' }): void {
    this.quarantine?.release(action.key);
    this.#differences++;
    this.#count(action);
  }

  conflict(action: Action & { kind: 'conflict' }): void {
    const { tally, flows } = this.#type(action.key);
    tally.conflicts++;
    flows.left.conflicting++;
    flows.right.conflicting++;
    this.#differences++;
    const error = new SyncError('conflict', `${action.key} was changed on both sides`, { key: action.key, hint: 'choose with --prefer left, right or newest' });
    this.#list({ place: action.key, side: 'left', action: 'conflict', error });
  }

  /** An entry that differs and may not be replaced. */
  refused({ key, right }: Action & { kind: 'conflict' }): void {
    this.#tally(key).failed++;
    this.#differences++;
    const error = new SyncError('conflict', `${key} is held with another content already, and nothing is to be replaced`, { key, hint: 'leave out --immutable if it is to be replaced' });
    this.#list({ place: right.place ?? key, side: 'right', action: 'update', error });
  }

  done(action: Action & { kind: 'put' | 'delete' }, unguarded: boolean): void {
    this.quarantine?.release(action.key);
    this.#count(action);
    if (unguarded) this.#unguarded++;
    this.#on({ kind: 'done', action, unguarded });
  }

  stale(action: Action & { kind: 'put' | 'delete' }): void {
    const where = action.kind === 'put' ? action.to : action.on;
    const error = new SyncError('conflict', `${action.key} was changed by someone else while the run was under way, and was left alone`, { key: action.key, hint: 'run again' });
    this.#fail(action, where, error);
    this.#on({ kind: 'stale', action });
  }

  /** `lasting`: it is about this entry alone, so that it may be set aside. */
  failed(action: Action & { kind: 'put' | 'delete' }, error: SyncError, { lasting = false }: { readonly lasting?: boolean } = {}): void {
    // Where what fails is set aside, each is told by itself.
    if (action.kind === 'put' && error.details.alike && !this.quarantine) return this.homeless(action, error);
    const kept = lasting && action.kind === 'put' ? this.quarantine?.keepEntry(otherSide(action.to), action.entry, action.over ? 'update' : 'create', error) : undefined;
    this.#fail(action, action.kind === 'put' ? action.to : action.on, error, kept);
    this.#on({ kind: 'failed', action, error });
  }

  /** An entry of a collection that has no place where it was to go. */
  homeless(action: Action & { kind: 'put' }, error: SyncError): void {
    const told = this.#homeless.get(error) ?? 0;
    this.#homeless.set(error, told + 1);
    this.#fail(action, action.to, error, undefined, told === 0);
    this.#on({ kind: 'failed', action, error });
  }

  /** A difference that the run saw and was not to act on. */
  difference(): void {
    this.#differences++;
  }

  /** A write that was broken off because the run was told to stop: nobody knows whether it was done. */
  brokenOff(): void {
    this.#brokenOff = true;
    this.#differences++;
  }

  report({ interrupted }: { readonly interrupted: boolean }): Report {
    this.#countQuarantined();
    const types = [...this.#types].sort(([a], [b]) => (a < b ? -1 : 1));
    const counts: Tally = { ...none };
    for (const [, { tally }] of types) for (const name of Object.keys(none) as (keyof Counts)[]) counts[name] += tally[name];
    return {
      counts, types: Object.fromEntries(types.map(([name, { tally }]) => [name, tally])),
      ...(this.#flowing && { flows: Object.fromEntries(types.map(([name, { flows }]) => [name, flows])) }), ...(this.#skippedFrom !== undefined && { skippedFrom: this.#skippedFrom }), ...(this.#ranges && { ranges: this.#ranges }),
      settled: this.#settled, unguarded: this.#unguarded, differences: this.#differences, problems: this.#problems - this.#problemsKept, outstanding: this.#differences - this.#remembered + this.#problems - this.#problemsKept,
      failures: this.#failures.map((failed) => this.#withAlike(failed)), warnings: this.#warnings, complete: this.complete, interrupted: interrupted || this.#brokenOff, durationMs: this.#now() - this.#startedMs,
    };
  }

  #count(action: Action & { kind: 'put' | 'delete' }): void {
    const { tally, flows } = this.#type(action.key);
    if (action.kind === 'delete') {
      tally.deleted++;
      this.more[action.on]--;
      return;
    }
    // What takes the place of a tombstone is one more as well.
    if (!action.over || action.over.deleted) this.more[action.to]++;
    if (action.over) tally.updated++;
    else tally.created++;
    flows[action.to].written++;
    if (action.why === 'tie') flows[action.to].conflicting++;
    // What it replaces was the older one, and did not go the other way.
    if (action.over) flows[otherSide(action.to)].skipped++;
  }

  #fail(action: Action & { kind: 'put' | 'delete' }, side: Side, error: SyncError, kept?: Kept, isNews = true): void {
    this.#failEntry({ place: action.key, side, action: action.kind === 'delete' ? 'delete' : action.over ? 'update' : 'create', error }, action.key, kept, isNews);
  }

  /** What is in quarantine is counted there, and told once. */
  #failEntry(failed: Failed, key: Key, kept: Kept, isNews = true): void {
    this.#differences++;
    if (kept) this.#remembered++;
    else this.#tally(key).failed++;
    if (kept !== 'known' && isNews) this.#list(failed);
  }

  #withAlike(failed: Failed): Failed {
    const alike = (this.#homeless.get(failed.error) ?? 1) - 1;
    return alike > 0 ? { ...failed, alike } : failed;
  }

  #countQuarantined(): void {
    for (const { tally, flows } of this.#types.values()) tally.quarantined = flows.left.quarantined = flows.right.quarantined = 0;
    for (const { side, ref } of this.quarantine?.all() ?? []) {
      const { tally, flows } = this.#type(ref?.key ?? '');
      tally.quarantined++;
      flows[otherSide(side)].quarantined++;
    }
  }

  #list(failed: Failed): void {
    if (this.#failures.length < limits.listedFailures) this.#failures.push(failed);
  }

  #tally(key: Key): Tally {
    return this.#type(key).tally;
  }

  #type(key: Key): Type {
    // Keys come in order, mostly, so the next one has the type of the last.
    if (this.#last !== undefined && key.startsWith(this.#last.start)) return this.#last.type;
    const name = typeOf(key);
    let type = this.#types.get(name);
    if (!type) {
      const counted = this.#types.size < limits.listedTypes ? name : '';
      type = this.#types.get(counted);
      if (!type) this.#types.set(counted, (type = { tally: { ...none }, flows: { left: { ...noFlow }, right: { ...noFlow } } }));
    }
    const slash = key.indexOf('/');
    this.#last = slash < 0 ? undefined : { start: key.slice(0, slash + 1), type };
    return type;
  }
}
