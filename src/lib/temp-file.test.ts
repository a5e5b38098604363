import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TempFile } from './temp-file.ts';

test('what was written is read back wherever it lies', () => {
  using file = new TempFile();
  const extents = ['one', '', 'two', 'x'.repeat(100_000)].map((text) => file.append(Buffer.from(text)));
  assert.deepEqual(extents.map((extent) => file.read(extent).toString()).toReversed(), ['x'.repeat(100_000), 'two', '', 'one']);
  assert.throws(() => file.read({ at: 0, length: 1_000_000 }), RangeError);
});

test('it has no name that a killed program would leave behind', { skip: process.platform === 'win32' && 'open files keep their names there' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-test-'));
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
  try {
    using file = new TempFile();
    const extent = file.append(Buffer.from('secret'));
    assert.deepEqual(readdirSync(folder), []);
    assert.equal(file.read(extent).toString(), 'secret');
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    rmSync(folder, { recursive: true });
  }
});
