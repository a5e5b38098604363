import { sizeOfValue } from '../../model/document.ts';
import { toSyncError } from '../../model/errors.ts';
import type { Micros } from '../../model/entry.ts';
import type { Page, Problem, Window } from '../../model/store.ts';
import { entryOfRow, keyOfRow, placeOf } from './records.ts';
import type { RecordEntry } from './records.ts';
import type { Row, Rows, Session } from './session.ts';
import { rangeQuery } from './statements.ts';
import type { Table } from './tables.ts';
import { boundBytes } from './times.ts';

const pageRows = 500;
/** Rows of the first page, before it is known how large rows are, */
const firstRows = 50;
/** and bytes of documents that a page is to hold at most. */
const pageBytes = 8 * 1024 * 1024;
/** Rows that are looked at to tell how large those of a page are. */
const sampleRows = 20;
/** Ranges for each that is read at a time, so that a large one at the end keeps nobody waiting for long. */
const rangesPerLane = 4;

export interface TableScanOptions {
  readonly session: Session;
  readonly table: Table;
  /** Ranges read at once. */
  readonly lanes: number;
  /** Whether the ring of the cluster is one of 64-bit tokens, which can be cut into ranges. */
  readonly divisible: boolean;
  readonly window: Window | undefined;
  readonly signal: AbortSignal | undefined;
}

interface Range {
  /** The tokens after which and up to which. Absent: all. */
  readonly tokens?: readonly [bigint, bigint];
  pageState: string | undefined;
  /** The newest row so far of a record whose rows may go on in the next page. */
  held?: RecordEntry;
}

/** All entries of a table. Ranges of the ring are read side by side, each in pages; no more pages are held than ranges are read at once. */
export class TableScan {
  readonly #options: TableScanOptions;
  readonly #narrowing: Narrowing;
  #rows = firstRows;
  /** Partitions of which static columns are all there is. */
  #bare = 0;

  constructor(options: TableScanOptions) {
    this.#options = options;
    this.#narrowing = narrowingOf(options);
  }

  async *pages(): AsyncGenerator<Page> {
    yield* this.#all();
    const { session, table } = this.#options;
    if (this.#bare > 0) session.host.log('warn', `${table.name} of ${session.name} has ${this.#bare} ${this.#bare === 1 ? 'partition' : 'partitions'} with static columns and no row, and only rows are carried across: insert one where it is to come along`);
  }

  async *#all(): AsyncGenerator<Page> {
    if (!this.#options.divisible) return yield* this.#oneAfterTheOther();
    // Two pages, the first of which tells how large the second may be, hold a small table whole, and cutting that up would only cost.
    const whole: Range = { pageState: undefined };
    const held: Page[] = [];
    for (let pages = 0; pages < 2; pages++) {
      const rows = await this.#next(whole);
      whole.pageState = rows.pageState ?? undefined;
      held.push(...this.#page(whole, rows, whole.pageState === undefined));
      if (whole.pageState === undefined) return yield* held;
    }
    yield* this.#sideBySide();
  }

  async *#oneAfterTheOther(): AsyncGenerator<Page> {
    const whole: Range = { pageState: undefined };
    do {
      const rows = await this.#next(whole);
      whole.pageState = rows.pageState ?? undefined;
      yield* this.#page(whole, rows, whole.pageState === undefined);
    } while (whole.pageState !== undefined);
  }

  async *#sideBySide(): AsyncGenerator<Page> {
    const { lanes } = this.#options;
    const waiting = ringIn(lanes * rangesPerLane);
    const underWay = new Map<Range, Promise<{ readonly range: Range; readonly rows: Rows }>>();
    const ask = (range: Range): void => {
      const answer = this.#next(range).then((rows) => ({ range, rows }));
      // What fails while another page is looked at is thrown when its turn comes.
      answer.catch(() => {});
      underWay.set(range, answer);
    };
    try {
      for (;;) {
        while (underWay.size < lanes && waiting.length > 0) ask(waiting.pop()!);
        if (underWay.size === 0) return;
        const { range, rows } = await Promise.race(underWay.values());
        underWay.delete(range);
        const next = rows.pageState ?? undefined;
        const page = [...this.#page(range, rows, next === undefined)];
        if (next !== undefined) {
          range.pageState = next;
          ask(range);
        }
        yield* page;
      }
    } finally {
      await Promise.allSettled(underWay.values());
    }
  }

  #next({ tokens, pageState }: Range): Promise<Rows> {
    const { session, table, signal } = this.#options;
    const { conditions, values, filtering } = this.#narrowing;
    const cql = rangeQuery(table, { tokens: tokens !== undefined, conditions, filtering });
    return session.run({ cql, values: [...tokens ?? [], ...values], what: `read ${table.name} of ${session.name}`, fetchSize: this.#rows, signal, ...(pageState !== undefined && { pageState }) });
  }

  *#page(range: Range, { rows }: Rows, ended: boolean): Generator<Page> {
    const { table, window, signal } = this.#options;
    signal?.throwIfAborted();
    const entries: RecordEntry[] = [];
    const problems: Problem[] = [];
    const take = (entry: RecordEntry): void => { if (isWithin(entry.modifiedAt, window)) entries.push(entry); };
    for (const row of rows as unknown as readonly Row[]) {
      let entry: RecordEntry | undefined;
      try {
        entry = entryOfRow(table, row);
      } catch (cause) {
        const key = keyOfRow(table, row);
        problems.push({ place: placeOf(table, row), error: toSyncError(cause), ...(key !== undefined && { key }) });
        continue;
      }
      if (entry === undefined) {
        this.#bare++;
        continue;
      }
      if (!table.versioned) take(entry);
      else {
        // The rows of a record come one after the other, in the order of their times or against it.
        if (range.held && range.held.key !== entry.key) take(range.held);
        if (range.held?.key !== entry.key || table.modified!.order === 'asc') range.held = entry;
      }
    }
    this.#learn(entries);
    if (ended && range.held) take(range.held);
    if (ended) delete range.held;
    if (entries.length > 0 || problems.length > 0) yield { entries, ...(problems.length > 0 && { problems }) };
  }

  /** The server counts rows alone: how many are as many bytes as are wanted follows from those that came. */
  #learn(entries: readonly RecordEntry[]): void {
    const sample = entries.slice(0, sampleRows);
    if (sample.length === 0) return;
    const bytes = sample.reduce((sum, { content: { document } }) => sum + sizeOfValue(document), 0) / sample.length;
    this.#rows = Math.max(1, Math.min(pageRows, Math.floor(pageBytes / bytes)));
  }
}

interface Narrowing {
  readonly conditions: readonly string[];
  readonly values: readonly unknown[];
  readonly filtering: boolean;
}

/** What of the window the server can look at. Everything else is looked at here, when it has come. */
function narrowingOf({ session, table, window }: TableScanOptions): Narrowing {
  const nothing: Narrowing = { conditions: [], values: [], filtering: false };
  const { modified, modifiedUnit, indexed, versioned } = table;
  // What has no time is in no index. Whoever begins at the beginning is to hear of it.
  if (!modified || window?.after === undefined || window.after <= 0) return nothing;
  const clusters = modified.kind === 'clustering' && table.clustering[0] === modified;
  if (!indexed && !clusters) {
    session.host.log('info', `${table.name} of ${session.name} is read whole for a range of ${modified.name}, which has no index: CREATE INDEX ON ${table.cql} (${modified.cql}) USING 'sai' makes one`);
    return nothing;
  }
  const conditions: string[] = [];
  const values: unknown[] = [];
  const bound = (operator: string, micros: Micros): void => {
    const bytes = boundBytes(modified, modifiedUnit, micros);
    if (bytes === undefined) return;
    conditions.push(`${modified.cql} ${operator} ?`);
    values.push(bytes);
  };
  bound('>=', window.after);
  // Of several versions the newest counts, also where that is beyond the window.
  if (window.until !== undefined && !versioned) bound('<', window.until + 1);
  if (conditions.length === 0) return nothing;
  // Without a partition the server wants to be told that it may look at every row of a range; that is what reading it whole would cost, too.
  if (!indexed) session.host.log('info', `${table.name} of ${session.name} is searched whole by the server for a range of ${modified.name}, and only what lies in it is sent`);
  return { conditions, values, filtering: !indexed };
}

function isWithin(modifiedAt: Micros | undefined, window: Window | undefined): boolean {
  if (modifiedAt === undefined || window === undefined) return true;
  return modifiedAt > (window.after ?? -Infinity) && modifiedAt <= (window.until ?? Infinity);
}

/** The ring in so many equal ranges, the last one first. */
function ringIn(count: number): Range[] {
  const first = -(2n ** 63n);
  const step = 2n ** 64n / BigInt(count);
  return Array.from({ length: count }, (_, i): Range => {
    const from = first + BigInt(i) * step;
    return { tokens: [from, i === count - 1 ? 2n ** 63n - 1n : from + step], pageState: undefined };
  }).reverse();
}
