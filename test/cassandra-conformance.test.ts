// Every law of a store, held by a keyspace of a real Cassandra.
import { describe, test } from 'node:test';
import type { Document } from '../src/model/document.ts';
import { joinKey, splitKey } from '../src/model/key.ts';
import type { Store } from '../src/model/store.ts';
import type { CassandraOptions } from '../src/stores/cassandra/kind.ts';
import { testStore, wrapped } from '../src/testing/index.ts';
import type { Subject } from '../src/testing/index.ts';
import { cassandraServer, openCassandra, withoutCassandra } from './services/cassandra.ts';

/** Values that JSON has no words for. */
const refuses = ['bytes', 'no bytes', 'infinity', 'not a number'];

/** A table whose values are JSON in a column of text, made once and emptied for each law. */
function inTable(table: string, columns: string, options: CassandraOptions, subject: Partial<Subject> = {}): Subject {
  let made: Promise<unknown> | undefined;
  const open = (): Promise<Store> => openCassandra({ collections: table, json: 'value', ...options });
  return {
    open: async () => {
      const { client, keyspace } = await cassandraServer();
      await (made ??= client.execute(`CREATE TABLE ${keyspace}.${table} (${columns})`));
      await client.execute(`TRUNCATE ${keyspace}.${table}`);
      return await open();
    },
    reopen: open,
    key: (name) => joinKey([table, name]),
    document: (key, fields): Document => ({ ...fields, id: splitKey(key)[1]! }),
    refuses,
    ...subject,
  };
}

describe('Cassandra', withoutCassandra, () => testStore(test, inTable('plain', 'id text PRIMARY KEY, value text', {})));
describe('Cassandra, with times', withoutCassandra, () => testStore(test, wrapped(inTable('timed', 'id text PRIMARY KEY, value text, changed timestamp', { modified: 'changed' }, { adds: true }))));
describe('Cassandra, with times that are time UUIDs', withoutCassandra, () => testStore(test, inTable('uuids', 'id text PRIMARY KEY, value text, changed timeuuid', { modified: 'changed' }, { adds: true })));
