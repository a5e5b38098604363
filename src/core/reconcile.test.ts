import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry, Stat } from '../model/entry.ts';
import type { Policy } from './policy.ts';
import type { Base } from './reconcile.ts';
import { reconcile } from './reconcile.ts';

const stat = (value: string, modifiedAt?: number): Stat => ({ digest: { algorithm: 'document', value }, ...(modifiedAt !== undefined && { modifiedAt }) });
const entry = (value: string, modifiedAt?: number): Entry => ({ key: 'k', ...stat(value, modifiedAt) });
const base = (left: string, right = left): Base => ({ key: 'k', left: stat(left), right: stat(right) });

/** What an action does, in a word or two, so that a row fits the eye. */
function told(left: Entry | undefined, right: Entry | undefined, remembered: Base | undefined, policy: Policy): string {
  const action = reconcile({ key: 'k', left, right, base: remembered }, policy, 1000);
  if (!action) return 'nothing';
  switch (action.kind) {
    case 'put': return `${action.to} := ${action.entry === left ? 'left' : 'right'} (${action.why})`;
    case 'delete': return `delete ${action.on} (${action.why})`;
    case 'keep': return `keep ${action.on}`;
    default: return action.kind;
  }
}

const A = entry('a');
const B = entry('b');
const C = entry('c');
const none = undefined;

describe('one-way', () => {
  const keep: Policy = { direction: 'one-way', deletes: 'keep', conflicts: 'left' };
  const mirror: Policy = { ...keep, deletes: 'propagate' };
  const rows: readonly [law: string, left: Entry | undefined, right: Entry | undefined, base: Base | undefined, policy: Policy, expected: string][] = [
    ['equal sides need nothing', A, A, none, mirror, 'nothing'],
    ['what the target lacks is put', A, none, none, mirror, 'right := left (missing)'],
    ['what differs is put', A, B, none, mirror, 'right := left (differs)'],
    ['what only the target holds is kept unless deletion was asked for', none, B, none, keep, 'keep right'],
    ['what only the target holds is deleted when that was asked for', none, B, none, mirror, 'delete right (extra)'],
    ['a target that changed what it was given is in step while neither side moves', A, B, base('a', 'b'), mirror, 'nothing'],
    ['true drift on such a target is found', A, C, base('a', 'b'), mirror, 'right := left (differs)'],
    ['an edit at the source is found there too', C, B, base('a', 'b'), mirror, 'right := left (differs)'],
    ['what was learned of an entry that is out of sight is kept', none, none, base('a', 'b'), mirror, 'nothing'],
    ['an entry without evidence is written rather than trusted', { key: 'k' }, { key: 'k' }, none, keep, 'right := left (differs)'],
  ];
  for (const [law, left, right, remembered, policy, expected] of rows) test(law, () => assert.equal(told(left, right, remembered, policy), expected));
});

describe('two-way', () => {
  const newest: Policy = { direction: 'two-way', deletes: 'propagate', conflicts: 'newest' };
  const report: Policy = { ...newest, conflicts: 'report' };
  const keep: Policy = { ...newest, deletes: 'keep' };
  const [early, late] = [entry('a', 1_000_000), entry('b', 2_000_000)];
  const rows: readonly [law: string, left: Entry | undefined, right: Entry | undefined, base: Base | undefined, policy: Policy, expected: string][] = [
    ['sides that agree are settled', A, A, none, newest, 'settle'],
    ['sides that agree and were settled need nothing', A, A, base('a'), newest, 'nothing'],
    ['without a baseline a missing entry is an addition, never a deletion', A, none, none, newest, 'right := left (missing)'],
    ['an edit travels right', B, A, base('a'), newest, 'right := left (differs)'],
    ['an edit travels left', A, B, base('a'), newest, 'left := right (differs)'],
    ['a deletion travels right', none, A, base('a'), newest, 'delete right (deleted)'],
    ['a deletion travels left', A, none, base('a'), newest, 'delete left (deleted)'],
    ['a deletion stays where it is when deletions do not travel', none, A, base('a'), keep, 'keep right'],
    ['an edit on the left outlives a deletion on the right', B, none, base('a'), newest, 'right := left (missing)'],
    ['an edit on the right outlives a deletion on the left', none, B, base('a'), newest, 'left := right (missing)'],
    ['the same edit on both sides is agreement', B, B, base('a'), newest, 'settle'],
    ['of two edits the newest wins', early, late, base('c'), newest, 'left := right (newer)'],
    ['of two edits the newest wins from either side', late, early, base('c'), newest, 'right := left (newer)'],
    ['times closer than the stores can tell are a tie, which the greater digest wins', entry('a', 1_000_500), entry('b', 1_000_000), base('c'), newest, 'left := right (newer)'],
    ['two edits without times are a conflict', A, B, base('c'), newest, 'conflict'],
    ['two edits are reported when that is the policy', early, late, base('c'), report, 'conflict'],
    ['a preferred side wins', early, late, base('c'), { ...newest, conflicts: 'left' }, 'right := left (preferred)'],
    ['what is gone on both sides is forgotten', none, none, base('a'), newest, 'forget'],
    ['a side that changed what it was given has not moved', A, B, base('a', 'b'), newest, 'nothing'],
  ];
  for (const [law, left, right, remembered, policy, expected] of rows) test(law, () => assert.equal(told(left, right, remembered, policy), expected));
});

describe('two-way, by time', () => {
  const keep: Policy = { direction: 'two-way', deletes: 'keep', conflicts: 'newest', decides: 'time' };
  const travel: Policy = { ...keep, deletes: 'propagate' };
  const at = (value: string, ms: number): Entry => entry(value, ms * 1000);
  const rows: readonly [law: string, left: Entry | undefined, right: Entry | undefined, base: Base | undefined, policy: Policy, expected: string][] = [
    ['the later one wins', at('a', 1), at('b', 2), none, keep, 'left := right (newer)'],
    ['whatever was agreed on', at('a', 1), at('b', 2), base('b'), keep, 'left := right (newer)'],
    ['equal content is in step, whatever the times', at('a', 1), at('a', 2), none, keep, 'nothing'],
    ['and is remembered only where deletions travel', at('a', 1), at('a', 2), none, travel, 'settle'],
    ['times that cannot be told apart are a tie', entry('a', 1_000), entry('b', 1_999), none, keep, 'left := right (tie)'],
    ['which the same one wins on the other side', entry('b', 1_999), entry('a', 1_000), none, keep, 'right := left (tie)'],
    ['a side that changed what it was given is in step while neither moves', at('a', 2), at('b', 1), base('a', 'b'), keep, 'nothing'],
    ['what one side lacks is put', at('a', 1), none, base('a'), keep, 'right := left (missing)'],
    ['or deleted, where it was there before and deletions travel', at('a', 1), none, base('a'), travel, 'delete left (deleted)'],
    ['but not when it was edited since', at('c', 1), none, base('a'), travel, 'right := left (missing)'],
    ['nor when nobody knows that it was there', none, at('a', 1), none, travel, 'left := right (missing)'],
    ['what has no time cannot be the newest', A, at('b', 2), none, keep, 'undated'],
    ['nor the only one', none, B, none, keep, 'undated'],
    ['what is gone from both sides is forgotten', none, none, base('a'), keep, 'forget'],
  ];
  for (const [law, left, right, remembered, policy, expected] of rows) test(law, () => assert.equal(told(left, right, remembered, policy), expected));
});
