import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from './pace.ts';
import type { Timetable } from './pace.ts';

function paced(timetable: Timetable, startMs = 0): { readonly pace: Pace; readonly clock: { ms: number } } {
  const clock = { ms: startMs };
  return { clock, pace: new Pace(timetable, { now: () => clock.ms, sleep: async (ms) => { clock.ms += ms; } }) };
}

test('bytes pass no faster than they may, however they come', async () => {
  for (const size of [100, 1_000, 64_000]) {
    const { pace, clock } = paced({ slots: [{ minute: 0, bytesPerSecond: 10_000 }] }, 1_000_000);
    for (let sent = 0; sent < 640_000; sent += size) await pace.take(size);
    const seconds = (clock.ms - 1_000_000) / 1_000;
    assert.ok(seconds >= 63.7 && seconds <= 64.3, `${size}: ${seconds}`);
  }
});

test('after a rest no more than a fifth of a second is made up for', async () => {
  const { pace, clock } = paced({ slots: [{ minute: 0, bytesPerSecond: 1_000 }] }, 1_000_000);
  await pace.take(1_000);
  clock.ms += 3_600_000;
  const before = clock.ms;
  for (let i = 0; i < 10; i++) await pace.take(1_000);
  assert.ok(clock.ms - before >= 9_700, String(clock.ms - before));
});

test('the rate follows the hour of the day, around midnight as well', async () => {
  const table = { slots: [{ minute: 8 * 60, bytesPerSecond: 1_000 }, { minute: 20 * 60, bytesPerSecond: undefined }] };
  const at = (hour: number): number => new Date(2026, 0, 5, hour).getTime();
  for (const [hour, seconds] of [[9, 10], [21, 0], [3, 0]] as const) {
    const { pace, clock } = paced(table, at(hour));
    await pace.take(10_000);
    assert.equal(Math.round((clock.ms - at(hour)) / 1_000), seconds, `at ${hour}`);
  }
});
