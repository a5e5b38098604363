import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Host } from '../../model/host.ts';
import { plainHost } from '../../model/plain-host.ts';
import { inTurn } from './in-turn.ts';
import { openState } from '../state/sqlite-state.ts';

/** A host whose sleepers wake when the clock is moved past their time. */
function handMoved(): { readonly host: Host; move(ms: number): Promise<void> } {
  let nowMs = 0;
  const sleepers = new Set<{ readonly at: number; wake(): void }>();
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> => new Promise((resolve, reject) => {
    const sleeper = { at: nowMs + ms, wake: resolve };
    sleepers.add(sleeper);
    signal?.addEventListener('abort', () => {
      sleepers.delete(sleeper);
      reject(new DOMException('interrupted', 'AbortError'));
    });
  });
  return {
    host: { ...plainHost, now: () => nowMs, sleep },
    async move(ms) {
      for (const end = nowMs + ms; nowMs < end;) {
        nowMs = Math.min(end, nowMs + 1_000);
        for (const sleeper of sleepers) {
          if (sleeper.at > nowMs) continue;
          sleepers.delete(sleeper);
          sleeper.wake();
        }
        await new Promise(setImmediate);
      }
    },
  };
}

test('a configuration is run by one at a time, however long that takes, and by the next one then', async () => {
  await using state = openState(undefined);
  const { host, move } = handMoved();
  const ended = Promise.withResolvers<string>();
  const options = { configuration: 'a pair', state, host };
  const first = inTurn({ ...options, holder: 'one' }, async (_, signal) => {
    const result = await ended.promise;
    assert.equal(signal.aborted, false);
    return result;
  });
  await move(120_000);
  await assert.rejects(inTurn({ ...options, holder: 'two' }, async () => 'two'), { code: 'unavailable', message: /another run of this configuration is under way \(one, since 1970-01-01T00:00:00.000Z\)/ });
  assert.equal(await inTurn({ ...options, configuration: 'another pair', holder: 'two' }, async () => 'other'), 'other');
  ended.resolve('one');
  assert.equal(await first, 'one');
  assert.equal(await inTurn({ ...options, holder: 'two' }, async () => 'two'), 'two');
});

test('who failed gives the lock back', async () => {
  await using state = openState(undefined);
  const options = { configuration: 'a pair', state, host: handMoved().host, holder: 'one' };
  await assert.rejects(inTurn(options, async () => { throw new Error('failed'); }), /failed/);
  assert.equal(await inTurn(options, async () => 'again'), 'again');
});

test('who was asleep for longer than the lock is good is told that another one took over', async () => {
  await using state = openState(undefined);
  const [asleep, awake] = [handMoved(), handMoved()];
  let aborted = false;
  const first = inTurn({ configuration: 'a pair', state, host: asleep.host, holder: 'one' }, async (lock, signal) => {
    await awake.move(40_000);
    assert.equal(await inTurn({ configuration: 'a pair', state, host: awake.host, holder: 'two' }, async () => 'two'), 'two');
    await asleep.move(20_000);
    aborted = signal.aborted;
    assert.throws(() => state.checkpoints.set({ configuration: 'a pair', name: 'a pair', until: 1, at: 1 }, lock), { code: 'conflict' });
  });
  await assert.rejects(first, { code: 'conflict', message: /taken over/ });
  assert.ok(aborted);
});

test('who is known to be gone is not waited for', async () => {
  await using state = openState(undefined);
  state.locks.take('a pair', { holder: 'killed', sinceMs: 0, untilMs: 1_000 });
  const options = { configuration: 'a pair', state, host: handMoved().host, holder: 'two' };
  await assert.rejects(inTurn(options, async () => 'two'), { code: 'unavailable' });
  assert.equal(await inTurn({ ...options, isGone: (holder) => holder === 'killed' }, async () => 'two'), 'two');
});
