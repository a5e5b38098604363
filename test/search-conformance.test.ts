// Every law of a store, held by indices of a real OpenSearch; and the shorter set of Elasticsearch, for what is different there.
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Collection } from '../src/model/collection.ts';
import { joinKey } from '../src/model/key.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Store } from '../src/model/store.ts';
import type { ElasticOptions } from '../src/stores/elastic/kind.ts';
import { elasticsearch, opensearch } from '../src/stores/elastic/kind.ts';
import { testStore, wrapped } from '../src/testing/index.ts';
import type { Subject } from '../src/testing/index.ts';
import { sharedSearch, skipWithoutSearch } from './services/search.ts';

const kinds = { opensearch, elasticsearch } as const;

/** Things that may hold any value, as a column of JSON may. */
const things: Collection = {
  name: 'thing', key: [],
  fields: [{ name: 'value', type: { kind: 'json' }, nullable: true }, { name: 'changed', type: { kind: 'instant', precision: 1 }, nullable: true }],
};

/** Indices that nothing uses yet. */
function indices(name: 'opensearch' | 'elasticsearch', options: ElasticOptions = {}, subject: Partial<Subject> = {}): Subject {
  let endpoint = '';
  const open = async (): Promise<Store> => await kinds[name].open(endpoint, { missing: 'empty', ...options }, plainHost) as Store;
  return {
    open: async () => {
      endpoint = `${name}://${(await sharedSearch(name)).address}/${randomUUID()}`;
      const store = await open();
      await store.prepare!([things]);
      return store;
    },
    reopen: open,
    key: (plain) => joinKey(['thing', plain]),
    // JSON has no words for them.
    refuses: ['bytes', 'no bytes', 'infinity', 'not a number'],
    ...subject,
  };
}

const withoutOpensearch = await skipWithoutSearch('opensearch');
const timed: [ElasticOptions, Partial<Subject>] = [{ modified: 'changed' }, { adds: true }];
describe('OpenSearch', { skip: withoutOpensearch }, () => testStore(test, indices('opensearch')));
describe('OpenSearch, wrapped', { skip: withoutOpensearch }, () => testStore(test, wrapped(indices('opensearch'))));
describe('OpenSearch, several collections in one index', { skip: withoutOpensearch }, () => testStore(test, indices('opensearch', { layout: 'field' })));
describe('OpenSearch, several collections in one index, with times', { skip: withoutOpensearch }, () => testStore(test, indices('opensearch', { layout: 'field', ...timed[0] }, timed[1])));
describe('OpenSearch, with times', { skip: withoutOpensearch }, () => testStore(test, indices('opensearch', ...timed)));

const withoutElasticsearch = await skipWithoutSearch('elasticsearch');
describe('Elasticsearch, with times', { skip: withoutElasticsearch }, () => testStore(test, indices('elasticsearch', ...timed)));
