import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { instantTexts } from './instant-texts.ts';

test('an instant is written as the platform writes it, without zeros behind the point, whatever was written before', () => {
  const textOf = instantTexts();
  const written = (millis: number): string => new Date(millis).toISOString().replace(/\.(\d*?)0*Z$/, (_, digits: string) => digits === '' ? 'Z' : `.${digits}Z`);
  fc.assert(fc.property(fc.integer({ min: -8.64e15, max: 8.64e15 }), (millis) => assert.equal(textOf(millis), written(millis))));
  fc.assert(fc.property(fc.integer({ min: -6.3e13, max: 2.6e14 }), fc.integer({ min: 0, max: 90_000_000 }), (millis, more) => {
    for (const each of [millis, millis + more, millis - more]) assert.equal(textOf(each), written(each));
  }), { numRuns: 1_000 });
  for (const edge of [-62_167_219_200_001, -30_610_224_000_001, -30_610_224_000_000, -1, 0, 499, 500, 86_399_999, 86_400_000, 253_402_300_799_999, 253_402_300_800_000]) assert.equal(textOf(edge), written(edge));
  assert.throws(() => textOf(NaN), /275760/);
});
