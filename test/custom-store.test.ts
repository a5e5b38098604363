import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { testStore, wrapped } from '../src/testing/index.ts';
import { TableStore } from '../examples/custom-store/table-store.ts';

const subject = { open: async (): Promise<TableStore> => new TableStore(':memory:') };

describe('a store written against the laws', () => testStore(test, subject));
describe('a store written against the laws, wrapped', () => testStore(test, wrapped(subject)));

test('the guide shows the very store that these laws are run against', () => {
  const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
  const shown = read('docs/guides/write-a-store.md').match(/```ts\n\/\/ table-store\.ts\n([\s\S]*?)```/)?.[1];
  assert.equal(shown, read('examples/custom-store/table-store.ts').replaceAll("'../../src/index.ts'", "'syncline'"));
});
