import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { readEach } from './read-each.ts';

/** A source in which some keys cannot be read, and a batch with one of them cannot be either. */
function source(unreadable: (key: string) => boolean, code: 'denied' | 'unavailable' = 'denied'): { readonly name: string; reads: number; read(refs: readonly Ref[]): Promise<readonly Entry[]> } {
  return {
    name: 'source',
    reads: 0,
    async read(refs) {
      this.reads++;
      const bad = refs.find(({ key }) => unreadable(key));
      if (bad) throw new SyncError(code, `cannot read ${bad.key}`);
      return refs.map(({ key }) => ({ key }));
    },
  };
}

const entries = Array.from({ length: 40 }, (_, i): Entry => ({ key: `${i}` }));

test('what cannot be read does not keep the others from being read', async () => {
  const from = source((key) => key === '3' || key === '33');
  const found = await readEach(from, entries, {});
  assert.deepEqual(found.map((one) => (one instanceof SyncError ? 'error' : one?.key)), entries.map(({ key }) => (key === '3' || key === '33' ? 'error' : key)));
  const whole = source(() => false);
  await readEach(whole, entries, {});
  assert.equal(whole.reads, 1);
});

test('where nothing can be read not everything is tried, and what may pass is left to whoever waits', async () => {
  const none = source(() => true);
  await assert.rejects(readEach(none, entries, {}), { code: 'denied' });
  assert.equal(none.reads, 17);
  const few = await readEach(source(() => true), entries.slice(0, 3), {});
  assert.ok(few.every((one) => one instanceof SyncError));
  const away = source((key) => key === '3', 'unavailable');
  await assert.rejects(readEach(away, entries, {}), { code: 'unavailable' });
  assert.equal(away.reads, 1);
});
