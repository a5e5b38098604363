import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '../model/entry.ts';
import type { Policy } from './policy.ts';
import type { Action, Base } from './reconcile.ts';
import { inferredTime, reconcileDeleted, tombstone } from './tombstones.ts';

const told: Policy = { direction: 'two-way', deletes: 'told', conflicts: 'newest', decides: 'time' };
const keep: Policy = { ...told, deletes: 'keep' };
const byBaseline: Policy = { direction: 'two-way', deletes: 'propagate', conflicts: 'newest' };

function at(ms: number, value = 'a'): Entry {
  return { key: 'k', modifiedAt: ms * 1_000, digest: { algorithm: 'document', value }, version: `${value}${ms}` };
}

/** A record that was deleted and is still there. */
function soft(ms: number): Entry {
  return { ...at(ms), deleted: true };
}

function shown(action: Action): string {
  switch (action.kind) {
    case 'put': return `${action.to} := ${action.entry.version}${action.over ? ` over ${action.over.deleted ? 'tombstone' : action.over.version}` : ''} (${action.why})`;
    case 'delete': return `delete ${action.on} since ${(action.tombstone?.modifiedAt ?? NaN) / 1_000}`;
    case 'keep':
    case 'undated': return `${action.kind} ${action.on}`;
    default: return action.kind;
  }
}

const gone = (ms: number): Entry => tombstone('k', ms * 1_000);
const base: Base = { key: 'k', left: at(1), right: at(1) };

describe('a key of which a deletion is known', () => {
  const rows: readonly [law: string, triple: { readonly left?: Entry; readonly right?: Entry; readonly gone?: Entry; readonly base?: Base }, policy: Policy, expected: readonly string[]][] = [
    ['what is older is deleted', { right: at(1), gone: gone(2) }, told, ['delete right since 2']],
    ['on both sides', { left: at(1), right: at(1), gone: gone(2) }, told, ['delete left since 2', 'delete right since 2']],
    ['a record that is deleted by a field is deleted elsewhere', { left: soft(2), right: at(1) }, told, ['delete right since 2']],
    ['the latest of several deletions counts', { left: soft(2), right: at(3), gone: gone(4) }, told, ['delete right since 4']],
    ['what is newer takes its place', { left: soft(1), right: at(2) }, told, ['left := a2 over tombstone (newer)']],
    ['and is carried across where nothing is', { right: at(2), gone: gone(1) }, told, ['left := a2 (missing)']],
    ['whatever the baseline says', { left: soft(0), right: at(1), base }, { ...told, deletes: 'propagate' }, ['left := a1 over tombstone (newer)']],
    ['of two that live the newer one wins, where it is newer than the deletion', { left: at(1), right: at(3, 'b'), gone: gone(2) }, told, ['left := b3 over a1 (newer)']],
    ['of one time the version wins', { left: soft(1), right: at(1) }, told, ['left := a1 over tombstone (tie)']],
    ['what is gone already is in step', { gone: gone(1) }, told, []],
    ['and so is a tombstone of which the other side has nothing', { left: soft(1) }, told, []],
    ['or another one', { left: soft(1), right: soft(2) }, told, []],
    ['what both agreed on is forgotten then', { left: soft(2), base }, told, ['forget']],
    ['where deletions do not travel, nothing is deleted, and nothing comes back', { left: soft(2), right: at(1) }, keep, ['keep right']],
    ['what has no time is told', { left: soft(2), right: { key: 'k' } }, told, ['undated right']],
    ['a deletion without a time, too', { left: { key: 'k', deleted: true }, right: at(1) }, told, ['undated left']],
    ['where the baseline decides, a tombstone is the lack of an entry', { left: soft(9), right: at(1), base }, byBaseline, ['delete right since NaN']],
    ['which an edit outlives', { left: soft(9), right: at(2, 'b'), base }, byBaseline, ['left := b2 over tombstone (newer)']],
  ];
  for (const [law, { left, right, gone: known, base: agreed }, policy, expected] of rows) {
    test(law, () => {
      const triple = { key: 'k', left, right, base: agreed, gone: known };
      assert.deepEqual(reconcileDeleted(triple, policy, 1).map(shown), expected);
      const mirrored = reconcileDeleted({ ...triple, left: right, right: left }, policy, 1).map(shown).sort();
      assert.deepEqual(mirrored, expected.map((text) => text.replace(/left|right/, (side) => (side === 'left' ? 'right' : 'left'))).sort(), 'whichever side is left');
    });
  }
});

test('a deletion that nobody saw happen was just after the latest version that is known', () => {
  assert.equal(inferredTime(at(1), { ...base, left: at(2) }, 1), 2_001);
  assert.equal(inferredTime(at(1), undefined, 1_000), 2_000);
  assert.equal(inferredTime({ key: 'k' }, undefined, 1), undefined);
  const after = inferredTime(at(1), undefined, 1_000)!;
  assert.deepEqual(reconcileDeleted({ key: 'k', left: at(1), right: undefined, base: undefined, gone: tombstone('k', after) }, told, 1_000).map(({ kind }) => kind), ['delete']);
});
