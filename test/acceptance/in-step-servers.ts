// Places of records on real servers, each with a table of orders that is read and written behind the back of everybody.
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { types } from 'cassandra-driver';
import type { Document, Value } from '../../src/model/document.ts';
import type { Micros } from '../../src/model/entry.ts';
import { modifiedOf } from '../../src/stores/records/instants.ts';
import { cassandraServer } from '../services/cassandra.ts';
import { mariadb } from '../services/mariadb.ts';
import { postgres } from '../services/postgres.ts';
import { sharedSearch } from '../services/search.ts';
import { Folder, runCommand } from './command.ts';
import type { Ended } from './command.ts';

/** One order, its time in any spelling. What it holds besides lies in the columns `value`, `amount`, `open` and `more`, which is JSON. */
export type Order = Document & { readonly id: string; readonly tmstmp: string };

/** One of two systems. */
export interface System {
  readonly endpoint: string;
  make(table: string): Promise<void>;
  /** Adds orders, or new versions of them. */
  put(table: string, orders: readonly Order[]): Promise<void>;
  /** The orders by id, of each the newest version, with no nulls and times in milliseconds. */
  orders(table: string): Promise<{ readonly [id: string]: Document }>;
  /** How many rows there are, whatever they are. */
  rows(table: string): Promise<number>;
}

/** A way to make a system that nothing uses yet. */
export type Maker = () => Promise<System>;

let made = 0;
const fresh = (): string => `app${process.pid}x${++made}`;

/** A keyspace of Cassandra. `versions`: in the way of the original, with a row for each version of a record. */
export function cassandra({ versions }: { readonly versions: boolean }): Maker {
  return async () => {
    const { client, port } = await cassandraServer();
    const keyspace = fresh();
    await client.execute(`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`);
    const found = async (table: string): Promise<readonly Document[]> => {
      const rows: Document[] = [];
      for await (const row of (await client.execute(`SELECT JSON * FROM ${keyspace}.${table}`))) rows.push(JSON.parse(row.get('[json]') as string) as Document);
      return rows;
    };
    return {
      endpoint: `cassandra://127.0.0.1:${port}/${keyspace}`,
      make: async (table) => void await client.execute(`CREATE TABLE ${keyspace}.${table} (id uuid, tmstmp ${versions ? 'timeuuid' : 'timestamp'}, value text, amount double, open boolean, more text, PRIMARY KEY (id${versions ? ', tmstmp' : ''})) WITH comment = 'syncline json: ["more"]'`),
      put: async (table, orders) => {
        for (let at = 0; at < orders.length; at += 200) {
          await Promise.all(orders.slice(at, at + 200).map(async (order) => {
            const own = { ...order, tmstmp: versions ? timeUuid(order.tmstmp) : new Date(microsOf(order.tmstmp) / 1000).toISOString(), ...(order['more'] !== undefined && { more: JSON.stringify(order['more']) }) };
            await client.execute(`INSERT INTO ${keyspace}.${table} JSON ?`, [JSON.stringify(own)], { prepare: true });
          }));
        }
      },
      orders: async (table) => newest(await found(table)),
      rows: async (table) => (await found(table)).length,
    };
  };
}

/** Indices of a search server. `times`: how they map the time. */
export function search(name: 'opensearch' | 'elasticsearch', { times }: { readonly times: 'date' | 'keyword' }): Maker {
  return async () => {
    const { address, ask } = await sharedSearch(name);
    const prefix = fresh();
    const found = async (table: string): Promise<readonly Document[]> => {
      await ask('POST', `/${prefix}-${table}/_refresh`);
      const { hits } = await ask('POST', `/${prefix}-${table}/_search`, { size: 10_000, track_total_hits: true }) as { readonly hits: { readonly total: { readonly value: number }; readonly hits: readonly { readonly _source: Document }[] } };
      return hits.total.value === hits.hits.length ? hits.hits.map(({ _source }) => _source) : Array.from({ length: hits.total.value }, () => ({}));
    };
    return {
      endpoint: `${name}://${address}/${prefix}`,
      make: async (table) => void await ask('PUT', `/${prefix}-${table}`, { settings: { number_of_replicas: 0 }, mappings: { properties: { tmstmp: { type: times }, id: { type: 'keyword' }, more: { type: 'object', enabled: false } } } }),
      put: async (table, orders) => {
        for (const order of orders) await ask('PUT', `/${prefix}-${table}/_doc/${order.id}`, order);
        await ask('POST', `/${prefix}-${table}/_refresh`);
      },
      orders: async (table) => newest(await found(table)),
      rows: async (table) => (await found(table)).length,
    };
  };
}

/** A database of PostgreSQL. */
export const inPostgres: Maker = async () => {
  const { newDatabase, query } = await postgres();
  const endpoint = await newDatabase();
  const rows = async (table: string): Promise<readonly Document[]> => (await query(endpoint, `select to_jsonb(t) as json from ${table} t`)).map(({ json }) => json as Document);
  return {
    endpoint,
    make: async (table) => void await query(endpoint, `create table ${table} (id uuid primary key, tmstmp timestamptz not null, value text, amount double precision, open boolean, more jsonb)`),
    put: async (table, orders) => {
      const json = `'${JSON.stringify(orders).replaceAll("'", "''")}'`;
      await query(endpoint, `set standard_conforming_strings = on; delete from ${table} where id in (select id from jsonb_populate_recordset(null::${table}, ${json})); insert into ${table} select * from jsonb_populate_recordset(null::${table}, ${json})`);
    },
    orders: async (table) => newest(await rows(table)),
    rows: async (table) => (await rows(table)).length,
  };
};

/** A database of MariaDB. */
export const inMariadb: Maker = async () => {
  const { newDatabase, query } = await mariadb();
  const endpoint = await newDatabase();
  const literal = (value: Value | undefined): string => (value === undefined || value === null ? 'null' : typeof value === 'string' ? `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'` : String(value));
  const rows = async (table: string): Promise<readonly Document[]> => (await query(endpoint, `select id, date_format(tmstmp, '%Y-%m-%dT%H:%i:%s.%fZ') tmstmp, value, amount, open, more from ${table}`)).map((row) => ({ ...row, ...(row['open'] !== null && { open: Boolean(row['open']) }) }) as Document);
  return {
    endpoint,
    make: async (table) => void await query(endpoint, `create table ${table} (id char(36) primary key, tmstmp datetime(6) not null, value text, amount double, open boolean, more json)`),
    put: async (table, orders) => {
      for (const { id, tmstmp, value, amount, open, more } of orders) {
        const time = new Date(microsOf(tmstmp) / 1000).toISOString().slice(0, -1);
        await query(endpoint, `replace into ${table} values (${[id, time, value, amount, open, more === undefined ? undefined : JSON.stringify(more)].map(literal).join(', ')})`);
      }
    },
    orders: async (table) => newest(await rows(table)),
    rows: async (table) => (await rows(table)).length,
  };
};

function microsOf(value: Value | undefined): Micros {
  // Cassandra writes times as `2015-01-01 00:00:00.000Z`.
  return modifiedOf(typeof value === 'string' ? value.replace(' ', 'T') : value, undefined)!;
}

/** A UUID of version 1 as somebody who has a node of his own makes them, which is not the least one of its time. */
function timeUuid(time: string): string {
  const micros = microsOf(time);
  return types.TimeUuid.fromDate(new Date(Math.floor(micros / 1000)), (micros % 1000) * 10, 'client', 'ab').toString();
}

function newest(rows: readonly Document[]): { readonly [id: string]: Document } {
  const found = new Map<string, Document>();
  for (const row of rows.toSorted((a, b) => microsOf(a['tmstmp']) - microsOf(b['tmstmp']))) {
    const order = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null).map(([name, value]) => [name, name === 'more' && typeof value === 'string' ? JSON.parse(value) as Value : value]));
    found.set(String(row['id']), { ...order, tmstmp: Math.floor(microsOf(row['tmstmp']) / 1000) });
  }
  return Object.fromEntries([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Two systems, and the command that keeps them in step, with a state of their own. */
export class Pair extends Folder {
  readonly a: System;
  readonly b: System;
  readonly #command: 'synced' | 'merge';

  private constructor(a: System, b: System, command: 'synced' | 'merge') {
    super();
    this.a = a;
    this.b = b;
    this.#command = command;
  }

  /** Both with an empty table of orders. */
  static async make(a: Maker, b: Maker, command: 'synced' | 'merge'): Promise<Pair> {
    const pair = new Pair(await a(), await b(), command);
    await Promise.all([pair.a.make('orders'), pair.b.make('orders')]);
    return pair;
  }

  /** One run, of a range or of what is new. */
  run({ from, until, full = false, to = this.b.endpoint, tables }: { readonly from?: string; readonly until?: string; readonly full?: boolean; readonly to?: string; readonly tables?: string } = {}): Promise<Ended> {
    const running = { cwd: this.path };
    const range = (flags: readonly [string, string]): readonly string[] => [...(from === undefined ? [] : [flags[0], from]), ...(until === undefined ? [] : [flags[1], until])];
    if (this.#command === 'merge') return runCommand('syncline', ['merge', '--newest', '--modified', 'tmstmp', ...range(['--from', '--until']), ...(full ? ['--full'] : []), this.a.endpoint, to], running);
    return runCommand('synced', ['-k', this.a.endpoint.split('/').at(-1)!, '-i', to.split('/').at(-1)!, ...(full ? ['-b', '0'] : range(['-b', '-e'])), ...(tables === undefined ? [] : ['--tables', tables])], { ...running, environment: { SYNCED_CASSANDRA: this.a.endpoint.split('/')[2]!, SYNCED_ELASTICSEARCH: to } });
  }

  /** Loses all that is remembered. */
  forget(): void {
    rmSync(join(this.path, '.local'), { recursive: true });
  }

  /** Until when which pairs are in step, as it is remembered. */
  async until(): Promise<readonly string[]> {
    const { stdout } = await runCommand('syncline', ['state', '--report', 'json'], { cwd: this.path });
    return (JSON.parse(stdout) as readonly { readonly until: string }[]).map(({ until }) => until);
  }
}

/** So many ids, none of them used before. */
export function ids(count: number): string[] {
  return Array.from({ length: count }, () => randomUUID()).sort();
}
