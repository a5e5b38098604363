import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dueAt, scheduleFrom } from './schedule.ts';
import type { Schedule } from './schedule.ts';

const at = (text: string): number => Date.parse(text);

function cron(text: string, timezone = 'UTC'): Schedule {
  return scheduleFrom({ every: undefined, cron: text, timezone })!;
}

function due(schedule: Schedule, last: string | undefined, now: string): string {
  return new Date(dueAt(schedule, last === undefined ? undefined : at(last), at(now), at(now))!).toISOString();
}

test('so much apart means from beginning to beginning, and at once where that is past', () => {
  const minute = scheduleFrom({ every: 60_000, cron: undefined, timezone: undefined })!;
  assert.equal(due(minute, undefined, '2026-01-01T00:00:00Z'), '2026-01-01T00:00:00.000Z');
  assert.equal(due(minute, '2026-01-01T00:00:00Z', '2026-01-01T00:00:20Z'), '2026-01-01T00:01:00.000Z');
  assert.equal(due(minute, '2026-01-01T00:00:00Z', '2026-01-01T07:00:00Z'), '2026-01-01T07:00:00.000Z');
  // Set back by an hour, the clock does not make it wait for one.
  assert.equal(due(minute, '2026-01-01T01:00:00Z', '2026-01-01T00:00:00Z'), '2026-01-01T00:01:00.000Z');
});

test('the first time of a cron expression is waited for, a missed one is not', () => {
  const nightly = cron('30 2 * * *');
  assert.equal(due(nightly, undefined, '2026-01-01T03:00:00Z'), '2026-01-02T02:30:00.000Z');
  assert.equal(due(nightly, '2026-01-01T02:30:00Z', '2026-01-01T03:00:00Z'), '2026-01-02T02:30:00.000Z');
  assert.equal(due(nightly, '2025-12-01T02:30:00Z', '2026-01-01T03:00:00Z'), '2026-01-01T03:00:00.000Z');
});

test('a time zone says whose clock is meant, also where clocks change', () => {
  const nightly = cron('30 2 * * *', 'Europe/Berlin');
  const next = (from: string): string => due(nightly, from, from);
  assert.equal(next('2026-01-01T00:00:00Z'), '2026-01-01T01:30:00.000Z');
  // There is no half past two on the 29th of March, when three comes after two, and there are two on the 25th of October.
  assert.equal(next('2026-03-29T00:00:00Z'), '2026-03-29T01:00:00.000Z');
  assert.equal(next('2026-10-25T00:00:00Z'), '2026-10-25T00:30:00.000Z');
  assert.equal(next('2026-10-25T00:30:00Z'), '2026-10-26T01:30:00.000Z');
});
