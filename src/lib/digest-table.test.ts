import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { DigestTable } from './digest-table.ts';

const digestOf = (text: string): string => hash('sha256', text);

test('what is known is met as equal or as different, however many there are more than expected', () => {
  const table = new DigestTable(10);
  for (let i = 0; i < 5_000; i++) table.set(`text ${i}`, digestOf(`content ${i}`));
  assert.equal(table.size, 5_000);
  for (let i = 0; i < 5_000; i++) assert.equal(table.meet(`text ${i}`, digestOf(`content ${i % 2 === 0 ? i : -i}`)), i % 2 === 0 ? 'equal' : 'different');
  assert.equal(table.meet('text 5000', digestOf('content 5000')), 'absent');
});

test('what is met again is told from what is met once, also when the table grew in between', () => {
  const table = new DigestTable(0);
  table.set('a', digestOf('1'));
  table.set('b', undefined);
  assert.deepEqual([table.meet('a', digestOf('2')), table.wasMet('a'), table.wasMet('b')], ['different', true, false]);
  for (let i = 0; i < 500; i++) table.set(`text ${i}`, digestOf('1'));
  assert.deepEqual([table.meet('a', digestOf('2')), table.meet('a', digestOf('1'))], ['again', 'again-different']);
  assert.deepEqual([table.wasMet('a'), table.wasMet('b'), table.wasMet('c')], [true, false, false]);
});

test('what is known without a digest is equal to nothing', () => {
  const table = new DigestTable(2);
  table.set('a', undefined);
  table.set('b', undefined);
  assert.deepEqual([table.meet('a', digestOf('1')), table.meet('b', undefined)], ['different', 'different']);
});
