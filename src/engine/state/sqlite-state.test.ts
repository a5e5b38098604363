import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { openState } from './sqlite-state.ts';

function inFolder(name: string, body: (path: string) => void | Promise<void>): void {
  test(name, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'syncline-state-'));
    try {
      await body(join(folder, 'deep', 'state.db'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

const base = (key: string) => ({ key, left: { version: 'l' }, right: { version: 'r' } });

inFolder('a baseline is in key order, and outlives the process that wrote it', async (path) => {
  {
    await using state = openState(path);
    const baseline = state.baseline('a pair');
    for (const key of ['b', '\u{1F600}', '\uFFFD', 'a']) baseline.set(base(key));
    baseline.delete('b');
    baseline.commit();
  }
  await using state = openState(path);
  assert.deepEqual((await Array.fromAsync(state.baseline('a pair').scan())).flat(), ['a', '\uFFFD', '\u{1F600}'].map(base));
});

inFolder('what was not committed is not remembered', async (path) => {
  {
    await using state = openState(path);
    state.baseline('a pair').set(base('a'));
  }
  await using state = openState(path);
  assert.equal(state.baseline('a pair').get('a'), undefined);
});

inFolder('pairings do not see each other', async (path) => {
  await using state = openState(path);
  const one = state.baseline('one');
  one.set(base('a'));
  one.commit();
  assert.equal(state.baseline('two').get('a'), undefined);
  assert.deepEqual(one.get('a'), base('a'));
});

inFolder('the file is for its owner alone', async (path) => {
  await using _ = openState(path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

inFolder('responses and lost values read back', async (path) => {
  await using state = openState(path);
  state.responses('a store').set('/a', { etag: '"1"', contentType: 'application/json', body: Buffer.from('{}') });
  assert.deepEqual({ ...state.responses('a store').get('/a'), body: undefined }, { etag: '"1"', contentType: 'application/json', body: undefined });
  assert.equal(state.responses('another').get('/a'), undefined);
  state.keepLost('a pair', { at: 5, key: 'k', side: 'left', text: '{"a":1}' });
  assert.deepEqual(state.lost('a pair').map((value) => ({ ...value })), [{ at: 5, key: 'k', side: 'left', text: '{"a":1}' }]);
});

test('of the values that lost the last ones are kept, and found by their keys', async () => {
  await using state = openState(undefined);
  state.keepLost('other', { at: 0, key: 'k1', side: 'right', text: '{}' });
  for (let at = 1; at <= 10_150; at++) state.keepLost('a pair', { at, key: `k${at % 100}`, side: 'left', text: '{}' });
  const kept = state.lost('a pair');
  assert.ok(kept.length >= 10_000 && kept.length <= 10_100, String(kept.length));
  assert.equal(kept.at(-1)?.at, 10_150);
  const found = [...state.allLost('k1')];
  assert.deepEqual([found[0], found.length < 110, [...state.allLost()].length], [{ pairing: 'other', at: 0, key: 'k1', side: 'right', text: '{}' }, true, kept.length + 1]);
});

inFolder('a file that is not a state is refused and left as it is', (path) => {
  const other = join(path, '..', '..', 'notes.txt');
  writeFileSync(other, 'not a database, but somebody may want it '.repeat(100));
  assert.throws(() => openState(other), { code: 'corrupt' });
  assert.ok(statSync(other).size > 4000);
});

inFolder('a state of a later version is refused', async (path) => {
  await openState(path)[Symbol.asyncDispose]();
  const database = new DatabaseSync(path);
  database.exec('pragma user_version = 99');
  database.close();
  assert.throws(() => openState(path), { code: 'unsupported' });
});
