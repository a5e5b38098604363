import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBytes, parseDuration } from './quantity.ts';

test('bytes are read in powers of 1,024, and nothing else is taken for bytes', () => {
  const bytes = { '0': 0, '1048576': 2 ** 20, '512k': 2 ** 19, '1.5M': 1.5 * 2 ** 20, '10MiB': 10 * 2 ** 20, '1Gi': 2 ** 30, '2 G': 2 ** 31, '1tb': 2 ** 40 };
  for (const [text, value] of Object.entries(bytes)) assert.equal(parseBytes(text), value, text);
  for (const text of ['', 'k', '-1', '1e3', '1x', '1kk', '99999999999T', '1,5M', '1i']) assert.equal(parseBytes(text), undefined, text);
});

test('durations are read with their units, and nothing else is taken for one', () => {
  const durations = { '90': 90_000, '1.5': 1_500, '90s': 90_000, '1h30m': 5_400_000, '7d': 604_800_000, '250ms': 250, '2w': 1_209_600_000 };
  for (const [text, value] of Object.entries(durations)) assert.equal(parseDuration(text), value, text);
  for (const text of ['', 's', '-1s', '1h 30m', '1y', '1h30', 'soon']) assert.equal(parseDuration(text), undefined, text);
});
