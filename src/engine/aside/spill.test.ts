import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Spill } from './spill.ts';

test('what was put aside comes back in order, from memory and from disk, as often as asked', () => {
  using spill = new Spill<{ readonly key: string; readonly size?: number }>();
  const values = Array.from({ length: 5_000 }, (_, i) => (i % 2 ? { key: `k${i}é\u{1F600}` } : { key: `k${i}`, size: i }));
  assert.deepEqual([...spill], []);
  for (const [i, value] of values.entries()) {
    spill.add(value);
    assert.equal(spill.length, i + 1);
  }
  assert.deepEqual([...spill], values);
  assert.deepEqual([...spill.pages()].flat(), values);
  spill.add({ key: 'last' });
  assert.deepEqual([...spill].at(-1), { key: 'last' });
});

test('one value may be larger than a page', () => {
  using spill = new Spill<string>();
  const large = 'x'.repeat(200_000);
  for (const value of ['a', large, 'b']) spill.add(value);
  assert.deepEqual([...spill], ['a', large, 'b']);
});

test('a temporary folder that cannot be used is told as such', () => {
  const { TMPDIR } = process.env;
  process.env['TMPDIR'] = '/nowhere/at/all';
  try {
    using spill = new Spill<string>();
    assert.throws(() => spill.add('x'.repeat(200_000)), { code: 'unavailable', message: /cannot put aside in \/nowhere\/at\/all/ });
  } finally {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  }
});
