import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger } from '../../engine/run/ledger.ts';
import { SyncError } from '../../model/errors.ts';
import type { FailureCode } from '../../model/errors.ts';
import { summary } from './summary.ts';

test('who lacks a right is not told to run the same command again', () => {
  const closing = (...codes: readonly FailureCode[]): string => {
    const ledger = new Ledger(undefined, () => 0);
    for (const code of codes) ledger.problem('left', { place: code, error: new SyncError(code, 'cannot be read') });
    return summary(ledger.report({ interrupted: false }), { paint: (_, text) => text, byType: true, tellsUnguarded: false }).trimEnd().split('\n').at(-1)!;
  };
  assert.match(closing('denied', 'denied'), /have what is missing granted first$/);
  assert.match(closing('denied', 'unavailable'), /run the same command again to go on$/);
});
