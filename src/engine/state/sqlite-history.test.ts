import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openState } from './sqlite-state.ts';

test('of each configuration the last thousand runs are kept', async () => {
  await using state = openState(undefined);
  state.history.begin({ configuration: 'other', name: 'other', startMs: 0 });
  for (let at = 1; at <= 1_010; at++) state.history.begin({ configuration: 'one', name: 'this', startMs: at })({ endMs: at, exitCode: 0, errors: [] });
  const kept = state.history.list({ which: 'one', limit: 5_000 });
  assert.deepEqual([kept.length, kept[0]?.startMs, kept.at(-1)?.startMs], [1_000, 11, 1_010]);
  assert.deepEqual(state.history.list({ limit: 5_000 }).length, 1_001);
  assert.deepEqual(state.history.list({ which: 'this', limit: 2 }).map(({ startMs }) => startMs), [1_009, 1_010]);
});

test('a run has an end only when it has come to it', async () => {
  await using state = openState(undefined);
  const end = state.history.begin({ configuration: 'one', name: 'this', startMs: 5 });
  assert.deepEqual(state.history.last('one'), { configuration: 'one', name: 'this', startMs: 5 });
  end({ endMs: 7, exitCode: 3, errors: ['it is not there'] });
  assert.deepEqual(state.history.last('one'), { configuration: 'one', name: 'this', startMs: 5, ended: { endMs: 7, exitCode: 3, errors: ['it is not there'] } });
  assert.equal(state.history.last('other'), undefined);
});
