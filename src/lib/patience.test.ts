import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import { Patience } from './patience.ts';

/** A clock that moves when somebody sleeps, the shortest sleep first. */
function clockOf(random = 0.5): { readonly clock: { now(): number; random(): number; sleep(ms: number, signal?: AbortSignal): Promise<void> }; readonly slept: number[]; nowMs: number } {
  const world = {
    nowMs: 1_000,
    slept: [] as number[],
    clock: {
      now: () => world.nowMs,
      random: () => random,
      async sleep(ms: number, signal?: AbortSignal) {
        world.slept.push(ms);
        const untilMs = world.nowMs + ms;
        await tick();
        signal?.throwIfAborted();
        world.nowMs = Math.max(world.nowMs, untilMs);
      },
    },
  };
  return world;
}

const busy = new Error('too much to do');

/** Sends until it is let through or given up; whether it was let through. */
async function insist(patience: Patience, send: () => Promise<boolean>, now: () => number, signal?: AbortSignal): Promise<boolean> {
  let firstMs: number | undefined;
  for (;;) {
    try {
      if (await patience.admit(send, signal)) {
        patience.progressed();
        return true;
      }
    } catch (cause) {
      if (cause !== busy) throw cause;
    }
    patience.refused(busy, busy.message);
    if (patience.isOver(firstMs ??= now())) return false;
  }
}

test('a server that has too much to do for a minute is waited for, in pauses that grow and are never close to nothing', async () => {
  for (const random of [0, 0.999]) {
    const world = clockOf(random);
    const said: number[] = [];
    const patience = new Patience({ mostMs: 120_000, atOnce: 4, clock: world.clock, onPause: (_, inMs) => said.push(inMs) });
    assert.equal(await insist(patience, async () => world.nowMs >= 61_000, world.clock.now), true);
    assert.ok(Math.min(...world.slept) >= 250, String(world.slept));
    assert.ok(world.slept.length < 25 && Math.max(...world.slept) <= 15_000, String(world.slept));
    assert.deepEqual(said, world.slept);
  }
});

test('who does nothing for as long as patience lasts is given up, also for all that comes right after; and who answers again is not', async () => {
  const world = clockOf();
  const patience = new Patience({ mostMs: 120_000, atOnce: 4, clock: world.clock });
  let sent = 0;
  let alive = false;
  const send = async (): Promise<boolean> => {
    sent++;
    return alive;
  };
  assert.equal(await insist(patience, send, world.clock.now), false);
  assert.ok(world.nowMs >= 121_000 && world.nowMs < 136_000 + 1_000, String(world.nowMs));
  const before = [sent, world.slept.length];
  for (let i = 0; i < 1_000; i++) assert.equal(await insist(patience, send, world.clock.now), false);
  assert.deepEqual([sent, world.slept.length], before, 'nothing was sent, and nothing waited for');
  world.nowMs += 15_000;
  alive = true;
  assert.equal(await insist(patience, send, world.clock.now), true);
  alive = false;
  const fromMs = world.nowMs;
  assert.equal(await insist(patience, send, world.clock.now), false);
  assert.ok(world.nowMs - fromMs >= 120_000, 'it is waited for anew');
});

test('whatever gets done shows that it is worth waiting, but for one request not without end', async () => {
  const world = clockOf();
  const patience = new Patience({ mostMs: 120_000, atOnce: 4, clock: world.clock });
  const firstMs = world.nowMs;
  while (!patience.isOver(firstMs)) {
    patience.refused(busy, busy.message);
    assert.equal(await patience.admit(async () => true), true);
    patience.progressed();
  }
  assert.ok(world.nowMs - firstMs >= 600_000);
});

test('what the server asks for is waited for', async () => {
  const world = clockOf();
  const patience = new Patience({ mostMs: 120_000, atOnce: 4, clock: world.clock });
  patience.refused(busy, busy.message, 30_000);
  await patience.admit(async () => {});
  assert.deepEqual(world.slept, [30_000]);
});

test('after a refusal one request goes by itself, then fewer than before, and after a while as many again', async () => {
  const world = clockOf();
  const patience = new Patience({ mostMs: 120_000, atOnce: 8, clock: world.clock });
  const atOnce: number[] = [];
  let running = 0;
  const round = async (): Promise<readonly number[]> => {
    atOnce.length = 0;
    await Promise.all(Array.from({ length: 20 }, () => patience.admit(async () => {
      atOnce.push(++running);
      await tick();
      running--;
      patience.progressed();
    })));
    return atOnce;
  };
  patience.refused(busy, busy.message);
  const [first, ...others] = await round();
  assert.deepEqual([first, others[0], Math.max(...others)], [1, 1, 4]);
  assert.equal(patience.shareOf(1_000), 500);
  for (let second = 0; second < 8; second++) {
    world.nowMs += 1_000;
    await round();
  }
  assert.equal(patience.shareOf(1_000), 1_000);
  assert.equal(Math.max(...await round()), 20, 'where all is well, nothing is held back');
});

test('who is told to stop does not wait', async () => {
  const world = clockOf();
  const patience = new Patience({ mostMs: 120_000, atOnce: 4, clock: world.clock });
  const stop = new AbortController();
  patience.refused(busy, busy.message);
  stop.abort();
  await assert.rejects(patience.admit(async () => {}, stop.signal), { name: 'AbortError' });
});
