// Databases to try stores of tables on, and how what they hold and answer is looked at.
import assert from 'node:assert/strict';
import type { Document } from '../src/model/document.ts';
import type { Host } from '../src/model/host.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Expectation, Outcome, Page, Source, Sink, Store, Write } from '../src/model/store.ts';

/** A kind of store of tables. */
interface Kind<Options> {
  open(location: string, options: Options, host: Host): Promise<Source | Sink>;
}

/** A server of databases. */
interface Server {
  newDatabase(): Promise<string>;
  query(endpoint: string, text: string): Promise<readonly { readonly [column: string]: unknown }[]>;
}

/** A database of its own on a server. */
interface Database<Options> {
  readonly endpoint: string;
  open(options?: Options): Promise<Store>;
  query(text: string): ReturnType<Server['query']>;
}

/** Stores that are open until the tests of a file have ended. */
export class Opened implements AsyncDisposable {
  readonly #stores = new AsyncDisposableStack();

  async open<Options>(kind: Kind<Options>, location: string, options: Options, host: Host = plainHost): Promise<Store> {
    return this.#stores.use(await kind.open(location, options, host) as Store);
  }

  /** A new database in which these statements were run. */
  async database<Options extends object>(kind: Kind<Options>, { newDatabase, query }: Server, statements: readonly string[]): Promise<Database<Options>> {
    const endpoint = await newDatabase();
    for (const statement of statements) await query(endpoint, statement);
    return { endpoint, query: (text) => query(endpoint, text), open: (options = {} as Options) => this.open(kind, endpoint, options) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stores.disposeAsync();
  }
}

/** All that a scan finds. */
export async function scanned(store: Store): Promise<{ readonly documents: { readonly [key: string]: Document }; readonly keys: readonly string[]; readonly problems: readonly string[] }> {
  const pages: Page[] = [];
  for await (const page of store.scan({ want: 'content' })) pages.push(page);
  const entries = pages.flatMap((page) => page.entries);
  return {
    keys: entries.map(({ key }) => key),
    documents: Object.fromEntries(entries.map(({ key, content }) => [key, content?.kind === 'document' ? content.document : {}])),
    problems: pages.flatMap(({ problems = [] }) => problems.map(({ error }) => error.message)),
  };
}

export function put(key: string, document: Document, expect?: Expectation): Write & { readonly kind: 'put' } {
  return { kind: 'put', entry: { key, content: { kind: 'document', document } }, ...(expect && { expect }) };
}

/** What became of a write, in a word or a sentence. */
export function said(outcome: Outcome | undefined): string {
  return outcome?.kind === 'failed' ? outcome.error.message : outcome?.kind ?? 'nothing';
}

/** Holds that a scan of tables `a` and `b`, of 5,000 rows each, is of one moment, and that one which is given up leaves nothing behind. */
export async function scansAreOfOneMoment(store: Store, query: (text: string) => Promise<unknown>): Promise<void> {
  let [first, rest] = [true, 0];
  for await (const { entries } of store.scan()) {
    if (first) for (const table of ['a', 'b']) await query(`delete from ${table} where id > 10`);
    first = false;
    rest += entries.length;
  }
  assert.equal(rest, 10_000);
  for (let i = 0; i < 30; i++) for await (const _ of store.scan()) break;
  assert.equal((await scanned(store)).keys.length, 20);
}

/** Holds that who looks for a range of times in a table `a` without an index is told what that costs, once, and what makes one; and of a table `b` with one, nothing. */
export async function rangesWithoutIndexAreTold({ open, query, statement }: { readonly open: (log: Host['log']) => Promise<Store>; readonly query: (text: string) => Promise<unknown>; readonly statement: string }): Promise<void> {
  const told: string[] = [];
  const log: Host['log'] = (_, message) => void told.push(message);
  const store = await open(log);
  for (let i = 0; i < 2; i++) for await (const _ of store.scan({ window: { after: 0 } }));
  assert.equal(told.length, 1);
  assert.match(told[0]!, /^a of .* is read whole for a range of at, which has no index: /);
  assert.equal(/: (CREATE INDEX .*) makes one$/.exec(told[0]!)?.[1], statement);
  await query(statement);
  for await (const _ of (await open(log)).scan({ window: { after: 0 } }));
  assert.equal(told.length, 1);
}
