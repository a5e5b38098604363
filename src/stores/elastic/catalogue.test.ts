import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Document } from '../../model/document.ts';
import { matchesGlob } from '../records/chooser.ts';
import { expressionOf, readCatalogue } from './catalogue.ts';
import type { Layout } from './catalogue.ts';

/** What a server says of indices with these aliases. */
function answer(indices: { readonly [name: string]: readonly string[] }): Document {
  return Object.fromEntries(Object.entries(indices).map(([name, aliases]) => [name, { aliases: Object.fromEntries(aliases.map((alias) => [alias, {}])), mappings: {}, settings: { index: { uuid: `uuid of ${name}`, number_of_shards: '3' } } }]));
}

function read(indices: { readonly [name: string]: readonly string[] }, path: string, layout: Layout = 'auto'): { readonly found: readonly string[]; readonly indexFor: (collection: string) => string | undefined } {
  const { collections, indexFor } = readCatalogue(answer(indices), { path, layout, name: 'here' });
  return { found: [...collections.values()].map(({ collection, target, flaw }) => `${collection}=${target}${flaw === undefined ? '' : '!'}`), indexFor };
}

test('a name is an index, or the beginning of several', () => {
  assert.deepEqual(read({ app: [] }, 'app').found, ['app=app']);
  assert.deepEqual(read({ 'app-b': [], 'app-a': [] }, 'app').found, ['a=app-a', 'b=app-b']);
  assert.throws(() => read({ app: [], 'app-a': [] }, 'app'), { code: 'invalid' });
  assert.deepEqual(read({ app: [], 'app-a': [] }, 'app', 'index').found, ['app=app']);
  assert.deepEqual(read({ app: [], 'app-a': [] }, 'app', 'suffix').found, ['a=app-a']);
});

test('what is missing is made where it will be found', () => {
  for (const path of ['app', '', 'app-*', 'app,users']) for (const layout of ['auto', 'index'] as const) for (const collection of ['app', 'users', 'app-users']) {
    const index = read({}, path, layout).indexFor(collection);
    if (index !== undefined) assert.deepEqual(read({ [index]: [] }, path, layout).found, [`${collection}=${index}`], `${path} ${layout} ${collection}`);
  }
  assert.equal(read({}, 'app').indexFor('users'), 'app-users');
  assert.equal(read({}, 'app').indexFor('app'), 'app');
  assert.equal(read({ app: [] }, 'app').indexFor('users'), undefined);
  assert.equal(read({ 'app-a': [] }, 'app').indexFor('users'), 'app-users');
  assert.equal(read({}, 'app-*').indexFor('users'), undefined);
});

test('a data stream is told of, and its indices are read by their own names', () => {
  const parts = Object.fromEntries(Object.entries(answer({ '.ds-app-logs-1': [], '.ds-app-logs-2': [] })).map(([index, about]) => [index, { ...about as Document, data_stream: 'app-logs' }]));
  const found = (path: string): readonly string[] => [...readCatalogue(parts, { path, layout: 'auto', name: 'here' }).collections.values()].map(({ target, flaw = '' }) => `${target} ${flaw.slice(0, 19)}`);
  assert.deepEqual(found('app'), ['app-logs it is a data stream']);
  assert.deepEqual(found('app-logs'), ['app-logs it is a data stream']);
  assert.deepEqual(found('.ds-app-logs-*'), ['.ds-app-logs-1 ', '.ds-app-logs-2 ']);
});

test('an alias hides the index behind it, and one of several indices is no collection', () => {
  assert.deepEqual(read({ 'app-users_v2': ['app-users', 'other'] }, 'app').found, ['users=app-users']);
  assert.deepEqual(read({ items_v2: ['items'] }, 'items').found, ['items=items']);
  assert.deepEqual(read({ 'app-1': ['app-users'], 'app-2': ['app-users'] }, 'app').found, ['users=app-users!']);
});

test('the indices of the server itself are left out', () => {
  assert.deepEqual(read({ '.kibana': [], 'a': [] }, '').found, ['a=a']);
  assert.deepEqual(read({ '.mine': [] }, '.mine', 'index').found, ['.mine=.mine']);
});

test('the server is asked for all that a path may stand for', () => {
  assert.deepEqual([expressionOf('', 'auto'), expressionOf('app', 'auto'), expressionOf('app', 'suffix'), expressionOf('app', 'index'), expressionOf('a-*,b', 'auto')], ['*', 'app,app-*', 'app-*', 'app', 'a-*,b']);
});

test('a pattern matches what its regular expression would', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
  fc.assert(fc.property(text.map((name) => name.replace(/[*?]/g, 'c')), text, (name, pattern) => {
    assert.equal(matchesGlob(name, pattern), new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(name));
  }));
});
