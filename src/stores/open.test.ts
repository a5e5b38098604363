import assert from 'node:assert/strict';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SyncError } from '../model/errors.ts';
import { openPair, openStore, recognise, samePlaceError } from './open.ts';

const folder = mkdtempSync(join(tmpdir(), 'open-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (...parts: readonly string[]): string => join(folder, ...parts);

test('an endpoint is recognised by its spelling', () => {
  const kinds: readonly (readonly [string, string])[] = [
    ['-', 'stdio'], ['null', 'null'], ['/dev/null', 'null'], ['memory:', 'memory'], ['memory:x.yaml', 'memory'],
    ['http://h/x.yaml', 'rest'], ['https://h', 'rest'], ['HTTP://h', 'rest'],
    ['a.yaml', 'file'], ['a.yml', 'file'], ['dir/a.JSON', 'file'], ['a.ndjson', 'file'],
    ['a', 'tree'], ['./null', 'tree'], ['a.yaml/', 'tree'], ['.', 'tree'], ['C:\\data', 'tree'], ['a.txt', 'tree'],
  ];
  for (const [endpoint, kind] of kinds) assert.equal(recognise(endpoint).kind, kind, endpoint);
});

test('an endpoint that means nothing is refused, and no secret in it repeated', () => {
  for (const endpoint of ['', 'ftp://user:sesame@h/x', 'http://', 'https://user:sesame@ho st/', 'a\0b']) {
    assert.throws(() => recognise(endpoint), (error: unknown) => error instanceof SyncError && error.code === 'invalid' && !error.sentence.includes('sesame'), endpoint);
  }
  assert.throws(() => recognise('gopher://h'), /gopher:\/\/ is not a kind of place/);
});

test('how documents name themselves says nothing of where tables are', async () => {
  const names = await Promise.all(['simple', 'hal'].map(async (schema) => {
    await using store = await openStore('postgres://me@127.0.0.1:9/db', { schema: schema as 'simple' });
    return store.name;
  }));
  assert.ok(names.every((name) => !name.includes('schema')), names.join());
  await using store = await openStore('postgres://me@127.0.0.1:9/db?schema=shop');
  assert.match(store.name, /schema=shop/);
});

test('an origin that is the destination under another spelling is found out', () => {
  mkdirSync(at('in/deep'), { recursive: true });
  symlinkSync(at('in'), at('link'));
  writeFileSync(at('a.yaml'), '');
  linkSync(at('a.yaml'), at('b.yaml'));
  const pairs: readonly (readonly [string, string])[] = [
    [at('in'), `${at('in')}/`], [at('in'), at('link')], [at('in'), join(folder, '.', 'x', '..', 'in')], [at('in', 'new'), at('link', 'new')],
    [at('a.yaml'), at('b.yaml')], [at('in'), at('in', 'deep')], [at('in', 'deep'), at('link')],
    ['http://h/a', 'http://H:80/a/'], ['http://h/a', 'HTTP://user:pw@h/a#x'], ['https://h:443', 'https://h/'],
  ];
  for (const [origin, target] of pairs) assert.ok(samePlaceError(recognise(origin), recognise(target)), `${origin} and ${target}`);
});

test('two places that only look alike are two places', () => {
  const pairs: readonly (readonly [string, string])[] = [
    [at('in'), at('in2')], ['http://h/a', 'https://h/a'], ['http://h:1/a', 'http://h:2/a'], ['http://h/a', 'http://g/a'],
    ['-', '-'], ['null', 'null'], [at('new'), at('new.yaml')],
  ];
  for (const [origin, target] of pairs) assert.equal(samePlaceError(recognise(origin), recognise(target)), undefined, `${origin} and ${target}`);
});

test('two directories are copied as blobs, unless documents are asked for', async () => {
  mkdirSync(at('left'), { recursive: true });
  const ends = { origins: [at('left')], target: at('right') };
  await using blobs = await openPair(ends);
  await using documents = await openPair({ ...ends, options: { as: 'documents' } });
  assert.deepEqual([blobs.holds, documents.holds, documents.target.capabilities.holds], ['blobs', 'documents', 'documents']);
  await assert.rejects(openPair({ origins: [at('left')], target: 'memory:', options: { as: 'blobs' } }), /only directories/);
});

test('beside anything else a directory holds documents', async () => {
  await using pair = await openPair({ origins: [at('left')], target: 'memory:' });
  assert.deepEqual([pair.holds, pair.scope], ['documents', 'everything']);
});

test('an option reaches only the kinds of place that have it', async () => {
  await using store = await openStore('memory:', { order: 'none', follow: 'all' });
  assert.equal(store.capabilities.order, 'none');
});
