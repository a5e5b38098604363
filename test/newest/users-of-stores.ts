import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { instantText } from '../../src/stores/records/instants.ts';
import type { Collection } from '../../src/model/collection.ts';
import type { Store, Write } from '../../src/model/store.ts';
import { openStore } from '../../src/stores/open.ts';
import { mortalCassandra } from '../services/cassandra.ts';
import { freePort } from '../services/free-port.ts';
import { mariadb } from '../services/mariadb.ts';
import { postgres } from '../services/postgres.ts';
import { startSearch } from '../services/search.ts';
import type { Base } from './base.ts';
import { nameOf, tables } from './stamps.ts';
import type { Past, Version } from './stamps.ts';

/** A place on a real server. */
interface Place {
  readonly port: number;
  endpointAt(port: number): string;
  /** What became of the watched table, where the database can tell. */
  readonly watch?: { begin(): Promise<void>; past(): Promise<readonly Past[]> };
  restart?(): Promise<void>;
  close?(): Promise<void>;
}

/** The kinds of places that there are. */
export type Kind = keyof typeof places;

const pastOf = (rows: readonly { readonly [column: string]: unknown }[]): readonly Past[] => rows.map(({ id, before, at }) => ({ table: 'watched', id: Number(id), micros: Number(at ?? 0), before: before === null ? undefined : Number(before) }));

const places = {
  postgres: async (): Promise<Place> => {
    const { port, newDatabase, query, restart } = await postgres();
    const database = await newDatabase();
    // What is committed outlives a crash.
    await query(database, `do $$ begin execute 'alter database ' || current_database() || ' set synchronous_commit = on'; end $$`);
    const micros = (column: string): string => `(extract(epoch from ${column}) * 1000000)::bigint`;
    return {
      port, restart, endpointAt: (at) => database.replace(`:${port}`, `:${at}`),
      watch: {
        begin: async () => void await query(database, `create schema hidden; create table hidden.history (nth bigserial, id integer, before bigint, at bigint);
          create function hidden.note() returns trigger language plpgsql as $$ begin insert into hidden.history (id, before, at) values (coalesce(new.id, old.id), ${micros('old.at')}, ${micros('new.at')}); return null; end $$;
          create trigger noted after insert or update or delete on watched for each row execute function hidden.note()`),
        past: async () => pastOf(await query(database, 'select id, before, at from hidden.history order by nth')),
      },
    };
  },
  mysql: async (): Promise<Place> => {
    const { port, newDatabase, query, restart } = await mariadb();
    const database = await newDatabase();
    const micros = (column: string): string => `timestampdiff(microsecond, '1970-01-01', ${column})`;
    await query(database, 'set global innodb_flush_log_at_trx_commit = 2');
    return {
      port, restart, endpointAt: (at) => database.replace(`:${port}`, `:${at}`),
      watch: {
        begin: async () => void await query(database, `create table history (nth bigint auto_increment primary key, id integer, before_it bigint, at bigint);
          create trigger inserted after insert on watched for each row insert into history (id, at) values (new.id, ${micros('new.at')});
          create trigger updated after update on watched for each row insert into history (id, before_it, at) values (new.id, ${micros('old.at')}, ${micros('new.at')});
          create trigger deleted after delete on watched for each row insert into history (id, before_it) values (old.id, ${micros('old.at')})`),
        past: async () => pastOf(await query(database, 'select id, before_it as `before`, at from history order by nth')),
      },
    };
  },
  cassandra: async (): Promise<Place> => {
    const node = await mortalCassandra();
    const { client, port, restart } = node;
    const keyspace = `k${randomUUID().replaceAll('-', '').slice(0, 12)}`;
    await client.execute(`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`);
    return { port, restart, close: async () => await node[Symbol.asyncDispose](), endpointAt: (at) => `cassandra://127.0.0.1:${at}/${keyspace}` };
  },
  opensearch: async (): Promise<Place> => await inSearch('opensearch'),
  elasticsearch: async (): Promise<Place> => await inSearch('elasticsearch'),
} as const;

async function inSearch(name: 'opensearch' | 'elasticsearch'): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-mortal-'));
  const port = await freePort();
  let server = await startSearch(name, { port, folder });
  const prefix = randomUUID();
  return {
    port, endpointAt: (at) => `${name}://127.0.0.1:${at}/${prefix}?layout=suffix`,
    restart: async () => {
      process.kill(server.pid, 'SIGKILL');
      await server[Symbol.asyncDispose]();
      server = await startSearch(name, { port, folder });
    },
    close: async () => {
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const collections = tables.map((name): Collection => ({
  name, key: ['id'],
  fields: [{ name: 'id', type: { kind: 'integer', bits: 32 }, nullable: false }, { name: 'at', type: { kind: 'instant', precision: 1_000 }, nullable: true }, { name: 'value', type: { kind: 'text' }, nullable: true }],
}));

/** A place on a real server, with users who write as this program does, only not through what is put between it and the server. */
export async function inStore(kind: Kind): Promise<Base> {
  const place: Place = await places[kind]();
  const chosen = (endpoint: string): string => `${endpoint}${endpoint.includes('?') ? '&' : '?'}collections=${tables.join()}`;
  const open = async (): Promise<Store> => await openStore(place.endpointAt(place.port), { missing: 'empty', collections: tables.join(), modified: 'at' }) as Store;
  const store = await open();
  await store.prepare!(collections);
  await place.watch?.begin();
  const certain: Version[] = [];
  const doubtful: Version[] = [];
  return {
    endpoint: chosen(place.endpointAt(place.port)),
    port: place.port,
    endpointAt: (port) => chosen(place.endpointAt(port)),
    users: 2,
    logged: async () => certain,
    doubtful: () => doubtful,
    held: async () => await heldBy(store),
    history: async () => await place.watch?.past() ?? [],
    ...(place.restart && { restart: () => place.restart!() }),
    use: async ({ random, signal, tally, put }) => {
      await using own = await open();
      for (; !signal.aborted; await sleep(20 + random.below(100))) {
        await put(async (stamps, ids) => {
          const versions = tables.flatMap((table) => ids.map((id, i): Version => ({ table, id, micros: stamps[i]! })));
          const outcomes = await own.write(versions.map(putOf)).catch((error: unknown) => error as Error);
          versions.forEach((version, i) => {
            const outcome = outcomes instanceof Error ? undefined : outcomes[i]!;
            // Nobody knows what became of a write that was not answered.
            if (outcome === undefined || outcome.kind === 'failed') doubtful.push(version);
            else if (outcome.kind === 'done') certain.push(version);
          });
          if (outcomes instanceof Error || outcomes.some((outcome) => outcome.kind === 'failed')) tally.broken++;
          else tally.transactions++;
        });
      }
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await place.close?.();
    },
  };
}

function putOf({ table, id, micros }: Version): Write {
  return { kind: 'put', entry: { key: nameOf({ table, id }), content: { kind: 'document', document: { id, at: instantText(micros), value: `v${micros}` } } }, expect: { older: micros } };
}

async function heldBy(store: Store): Promise<readonly (Version & { readonly value: string })[]> {
  const found: (Version & { readonly value: string })[] = [];
  for await (const { entries, problems = [] } of store.scan({ want: 'content' })) {
    for (const { error } of problems) throw error;
    for (const { key, modifiedAt, content } of entries) {
      const [table = '', id] = key.split('/');
      found.push({ table, id: Number(id), micros: modifiedAt ?? 0, value: content?.kind === 'document' ? String(content.document['value']) : '' });
    }
  }
  return found;
}
