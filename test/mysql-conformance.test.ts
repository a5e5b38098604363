// Every law of a store, held by a table of a real MariaDB server.
import { describe, test } from 'node:test';
import { plainHost } from '../src/model/plain-host.ts';
import type { Store } from '../src/model/store.ts';
import { kind } from '../src/stores/sql/mysql/kind.ts';
import { testStore } from '../src/testing/index.ts';
import { isMaria, mariadb, withoutMariadb } from './services/mariadb.ts';
import { inTable, refusedByTables } from './sql-subjects.ts';

async function create(): Promise<(options: { readonly modified?: string }) => Promise<Store>> {
  const endpoint = await (await mariadb()).newDatabase();
  return async (options) => await kind.open(endpoint, options, plainHost) as Store;
}

const subject = {
  forgive: { 'a document of many levels, of many fields and of much text comes back as it was': `the JSON of ${isMaria ? 'MariaDB nests 32' : 'MySQL nests 100'} levels at most` },
  refuses: [...refusedByTables, ...(isMaria ? [] : ['an integer of 40 digits'])],
};
const name = isMaria ? 'MariaDB' : 'MySQL';
describe(name, withoutMariadb, () => testStore(test, inTable(create, subject)));
describe(`${name}, with times`, withoutMariadb, () => testStore(test, inTable(create, subject, { modified: 'changed' })));
