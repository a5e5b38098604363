import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkTargets } from './link-header.ts';

test('links of a relation are found in every spelling', () => {
  for (const field of [
    '<https://h/a?page=2>; rel="next"', '<https://h/a?page=2>;rel=next', '<https://h/a?page=2> ; REL = NEXT', '<https://h/a?page=2>; title="a, <b>; rel=\\"x\\""; rel="last next"',
    '<https://h/z>; rel="last", <https://h/a?page=2>; rel="next"', '<https://h/z>;rel=prev,<https://h/a?page=2>;rel=next', '<https://h/a?page=2>; crossorigin; rel=next; rel=last',
  ]) assert.deepEqual(linkTargets(field, 'next'), ['https://h/a?page=2'], field);
  assert.deepEqual(linkTargets('<?a=1,2;3>; rel=next, </b>; rel="next"', 'next'), ['?a=1,2;3', '/b']);
});

test('what is no link of that relation is none', () => {
  for (const field of ['', 'next', '<a', '<a>', '<a>; rel', '<a>; rel="nextish"', '<a>; title="rel=next"', '<a>; rel=last; rel=next', '<a>; rel=next; anchor="/other"', '<a>; rel="next', 'rubbish, <a>; rel=next']) {
    assert.deepEqual(linkTargets(field, 'next'), [], field);
  }
});

test('a field of any length is read in one go', () => {
  assert.equal(linkTargets(`${'<a>; rel=last, '.repeat(50_000)}<b>; rel=next`, 'next').length, 1);
  assert.deepEqual(linkTargets(`<a>${'; x'.repeat(50_000)}\\`, 'next'), []);
  assert.deepEqual(linkTargets(`<a>; t="${'\\"'.repeat(50_000)}`, 'next'), []);
});
