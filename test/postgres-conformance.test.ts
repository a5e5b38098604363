// Every law of a store, held by a table of a real PostgreSQL server.
import { describe, test } from 'node:test';
import { plainHost } from '../src/model/plain-host.ts';
import type { Store } from '../src/model/store.ts';
import { kind } from '../src/stores/sql/postgres/kind.ts';
import { testStore } from '../src/testing/index.ts';
import { postgres, withoutPostgres } from './services/postgres.ts';
import { inTable } from './sql-subjects.ts';

/** A schema for every law: it is made faster than a database. */
let database: Promise<string> | undefined;
let schemas = 0;

async function create(): Promise<(options: { readonly modified?: string }) => Promise<Store>> {
  const { newDatabase, query } = await postgres();
  const endpoint = await (database ??= newDatabase());
  const schema = `law_${++schemas}`;
  await query(endpoint, `create schema ${schema}`);
  return async (options) => await kind.open(endpoint, { schema, ...options }, plainHost) as Store;
}

/** PostgreSQL keeps no NUL in text, and one number for each way to write it. */
const changes = { refuses: ['bytes', 'no bytes', 'infinity', 'not a number', 'a NUL', '\u0000'], loses: ['negative zero', 'a large number', 'an exponent'] };
describe('PostgreSQL', withoutPostgres, () => testStore(test, inTable(create, changes)));
describe('PostgreSQL, with times', withoutPostgres, () => testStore(test, inTable(create, changes, { modified: 'changed' })));
