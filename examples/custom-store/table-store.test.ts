import { describe, test } from 'node:test';
import { testStore, wrapped } from '../../src/testing/index.ts';
import { TableStore } from './table-store.ts';

const subject = { open: async () => new TableStore(':memory:') };

describe('documents in a table', () => testStore(test, subject));
describe('documents in a table, wrapped', () => testStore(test, wrapped(subject)));
