// Every law of a store, held by a table in a file of SQLite.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { plainHost } from '../src/model/plain-host.ts';
import type { Store } from '../src/model/store.ts';
import { kind } from '../src/stores/sql/sqlite/kind.ts';
import { testStore, wrapped } from '../src/testing/index.ts';
import { inTable } from './sql-subjects.ts';

const root = mkdtempSync(join(tmpdir(), 'syncline-sqlite-'));
after(() => rmSync(root, { recursive: true, force: true }));
let files = 0;

async function create(): Promise<(options: { readonly modified?: string }) => Promise<Store>> {
  const path = join(root, `${++files}.sqlite`);
  return async (options) => await kind.open(`sqlite:${path}`, { missing: 'empty', ...options }, plainHost) as Store;
}

const table = inTable(create);
describe('SQLite', () => testStore(test, table));
describe('SQLite, wrapped', () => testStore(test, wrapped(table)));
describe('SQLite, with times', () => testStore(test, inTable(create, {}, { modified: 'changed' })));
