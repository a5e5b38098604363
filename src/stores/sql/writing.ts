import type { Entry, Stat } from '../../model/entry.ts';
import { statOf } from '../../model/entry.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import type { Expectation, Outcome, Write } from '../../model/store.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { TimeUnit } from '../records/instants.ts';
import { partsOfKey } from '../records/record-keys.ts';
import type { Change, Changed, Dialect, RowExpectation } from './dialect.ts';
import { digestOf, entryOf, fit, rawKeys } from './records.ts';
import type { Fitted } from './records.ts';
import type { Table } from './table.ts';

/** How often somebody else may come first before a write is left to the next run. */
const mostTries = 8;

export interface WritingOptions {
  readonly name: string;
  readonly dialect: Dialect;
  readonly keyBytes: number;
  readonly unit: TimeUnit | undefined;
  readonly find: (table: Table, keys: readonly Key[], signal: AbortSignal | undefined) => Promise<ReadonlyMap<Key, Entry>>;
}

/** A write that is ready to be sent. */
interface Sending {
  readonly at: number;
  readonly table: Table;
  readonly change: Change;
  readonly fitted: Fitted | undefined;
  readonly expect: Expectation | undefined;
  /** Which columns are left to the database. Only rows that leave out the same go together. */
  readonly left: string;
}

const nothingKnown: Outcome = { kind: 'done', stat: {} };

/** Turns batches of writes into changes of rows, and what became of those into outcomes. */
export class Writing {
  readonly #options: WritingOptions;
  /** Forms of changes that the user may make. */
  readonly #allowed = new Set<string>();

  constructor(options: WritingOptions) {
    this.#options = options;
  }

  async write(batch: readonly Write[], tableOf: (name: string) => Table | SyncError, signal: AbortSignal | undefined): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    const open: Sending[] = [];
    batch.forEach((write, at) => {
      const sending = this.#sending(write, at, tableOf);
      if ('kind' in sending) outcomes[at] = sending;
      else open.push(sending);
    });
    for (const round of roundsOf(open)) {
      for (const group of Map.groupBy(round, ({ table, left }) => `${table.name}\0${left}`).values()) {
        const answers = await this.#send(group, signal);
        group.forEach(({ at }, i) => { outcomes[at] = answers[i]!; });
      }
    }
    return outcomes;
  }

  /** What would become of writes, as far as that is known of tables and of what the user may do. */
  async foresee(batch: readonly Write[], tableOf: (name: string) => Table | SyncError): Promise<readonly Outcome[]> {
    const { dialect, name } = this.#options;
    const sendings = batch.map((write, at) => (tableOf(partsOfKey(keyOfWrite(write)).collection) instanceof SyncError ? nothingKnown : this.#sending(write, at, tableOf)));
    const open = sendings.flatMap((sending) => ('change' in sending ? [sending] : []));
    for (const { table, change } of open) {
      const form = `${table.name}\0${change.kind}\0${change.expect?.kind ?? ''}`;
      if (this.#allowed.has(form)) continue;
      await dialect.checkApply?.(table, [change]).catch((cause: unknown) => { throw dialect.failure(cause, `${name}: cannot write ${table.name}`, change.kind); });
      this.#allowed.add(form);
    }
    return sendings.map((sending) => ('kind' in sending ? sending : nothingKnown));
  }

  #sending(write: Write, at: number, tableOf: (name: string) => Table | SyncError): Sending | Outcome {
    const key = keyOfWrite(write);
    const { name, keyBytes, unit } = this.#options;
    const fail = (error: SyncError): Outcome => ({ kind: 'failed', error: new SyncError(error.code, error.message, { store: name, ...error.details, key }) });
    if (key === '' || !key.isWellFormed()) return fail(new SyncError('invalid', `${name}: ${JSON.stringify(key)} is not a key`));
    if (Buffer.byteLength(key) > keyBytes) return fail(new SyncError('invalid', `${name}: the key is longer than ${keyBytes} bytes: ${key.slice(0, 64)}…`));
    const table = tableOf(partsOfKey(key).collection);
    if (table instanceof SyncError) return fail(table);
    const { expect } = write;
    if (write.kind === 'delete') {
      const [raw, ...others] = rawKeys(table, key);
      if (!raw) return expect && 'version' in expect ? { kind: 'stale', found: undefined } : { kind: 'done', stat: {} };
      return { at, table, expect, fitted: undefined, left: '', change: { kind: 'delete', id: key, key: raw, ...(others.length > 0 && { spellings: [raw, ...others] }), values: [], ...(expect && { expect: rowExpectation(expect, undefined) }) } };
    }
    try {
      const fitted = fit(table, write.entry, unit);
      const left = fitted.values.flatMap((value, i) => (value === undefined && !table.columns[i]!.computed ? [i] : [])).join();
      return { at, table, expect, fitted, left, change: changeOf(table, key, fitted, expect) };
    } catch (cause) {
      return fail(toSyncError(cause));
    }
  }

  async #send(group: readonly Sending[], signal: AbortSignal | undefined): Promise<readonly Outcome[]> {
    const { dialect, name } = this.#options;
    const { table } = group[0]!;
    const byHand = (sending: Sending): boolean => sending.expect !== undefined && 'older' in sending.expect && !dialect.comparesTimes(table, sending.change);
    const [slow, fast] = [group.filter(byHand), group.filter((sending) => !byHand(sending))];
    const answers = new Map<Sending, Changed>();
    try {
      if (fast.length > 0) (await dialect.apply(table, fast.map(({ change }) => change), signal)).forEach((changed, i) => answers.set(fast[i]!, changed));
      if (slow.length > 0) await this.#replaceOlder(table, slow, answers, signal);
    } catch (cause) {
      const error = dialect.failure(cause, `${name}: cannot write ${table.name}`, group.some(({ change }) => change.kind === 'put') ? 'put' : 'delete');
      if (error.code === 'denied' && answers.size === 0) throw error;
      for (const sending of group) if (!answers.has(sending)) answers.set(sending, { kind: 'failed', error: new SyncError(error.code, error.message, { ...error.details, key: sending.change.id }) });
    }
    const stale = group.filter((sending) => answers.get(sending)?.kind === 'stale').map(({ change }) => change.id);
    const found = stale.length > 0 ? await this.#options.find(table, stale, signal).catch((cause: unknown) => toSyncError(cause)) : new Map<Key, Entry>();
    return group.map((sending) => this.#outcome(sending, answers.get(sending)!, found));
  }

  #outcome(sending: Sending, changed: Changed, found: ReadonlyMap<Key, Entry> | SyncError): Outcome {
    switch (changed.kind) {
      case 'failed': return changed;
      case 'stale':
        if (found instanceof SyncError) return { kind: 'failed', error: found };
        return { kind: 'stale', found: found.get(sending.change.id) };
      case 'done': return { kind: 'done', stat: this.#statOf(sending, changed) };
      default: return changed satisfies never;
    }
  }

  #statOf({ table, fitted }: Sending, { version, row }: Changed & { readonly kind: 'done' }): Stat {
    if (!fitted) return {};
    // A row whose new state cannot be read is written all the same, and whoever scans it hears of it.
    try {
      if (row) return statOf(entryOf(table, row, this.#options.unit));
    } catch {
      return {};
    }
    const digest = digestOf(fitted.document);
    return { version: version ?? digest.value, digest, ...(fitted.modifiedAt !== undefined && { modifiedAt: fitted.modifiedAt }) };
  }

  /** Replaces what is older by looking first: nothing happens to a row that changed since it was looked at, and then it is looked at again. */
  async #replaceOlder(table: Table, group: readonly Sending[], answers: Map<Sending, Changed>, signal: AbortSignal | undefined): Promise<void> {
    const { dialect, find } = this.#options;
    let open = group;
    for (let tries = 0; open.length > 0 && tries < mostTries; tries++) {
      const held = await find(table, open.map(({ change }) => change.id), signal);
      const older = open.filter((sending) => {
        const found = held.get(sending.change.id);
        const than = sending.expect && 'older' in sending.expect ? sending.expect.older : -Infinity;
        const isOlder = found === undefined || (found.modifiedAt !== undefined && found.modifiedAt < than);
        if (!isOlder) answers.set(sending, { kind: 'stale' });
        return isOlder;
      });
      if (older.length === 0) return;
      const changes = older.map(({ change }): Change => {
        const version = held.get(change.id)?.version;
        return { ...change, expect: version === undefined ? { kind: 'absent' } : { kind: 'version', version } };
      });
      const changed = await dialect.apply(table, changes, signal);
      older.forEach((sending, i) => answers.set(sending, changed[i]!));
      open = older.filter((_, i) => changed[i]!.kind === 'stale');
    }
  }
}

function changeOf(table: Table, key: Key, { key: raw, values, modifiedAt }: Fitted, expect: Expectation | undefined): Change {
  const mixed = expect && !('absent' in expect) && table.keyAt.some((at) => table.columns[at]!.codec.mixed);
  const spellings = mixed ? rawKeys(table, key) : [];
  return { kind: 'put', id: key, key: raw, ...(spellings.length > 1 && { spellings }), values, ...(expect && { expect: rowExpectation(expect, modifiedAt) }) };
}

function rowExpectation(expect: Expectation, modifiedAt: number | undefined): RowExpectation {
  if ('absent' in expect) return { kind: 'absent' };
  if ('version' in expect) return { kind: 'version', version: expect.version };
  return { kind: 'older', than: expect.older, own: expect.older === modifiedAt };
}

/** Writes of one key go one after the other, as they stand. */
function roundsOf(sendings: readonly Sending[]): readonly (readonly Sending[])[] {
  const rounds: Sending[][] = [];
  const times = new Map<Key, number>();
  for (const sending of sendings) {
    const round = times.get(sending.change.id) ?? 0;
    times.set(sending.change.id, round + 1);
    (rounds[round] ??= []).push(sending);
  }
  return rounds;
}
