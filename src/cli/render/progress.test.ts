import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { Terminal } from '../program/terminal.ts';
import { Progress } from './progress.ts';

/** The progress of a run whose clock goes only when it is told to, and the lines that came of it. */
class Watched implements Disposable {
  now = 0;
  readonly lines: string[] = [];
  readonly progress: Progress;

  constructor() {
    mock.timers.enable({ apis: ['setInterval'] });
    const terminal = { level: 'normal', live: false, err: (line: string) => void this.lines.push(line), attach: () => {} };
    this.progress = new Progress(terminal as unknown as Terminal, () => this.now);
  }

  later(ms: number): void {
    this.now += ms;
    mock.timers.tick(ms);
  }

  [Symbol.dispose](): void {
    mock.timers.reset();
  }
}

test('plain lines are told once, and each run begins anew', () => {
  using watched = new Watched();
  const { progress, lines } = watched;
  progress.on({ kind: 'phase', phase: 'scan' });
  watched.later(4_900);
  watched.now += 200;
  progress.on({ kind: 'scanned', side: 'left', entries: 1_000 });
  watched.later(100);
  assert.deepEqual(lines, ['reading · 1,000 read']);
  progress.stop();
  for (let run = 0; run < 3; run++) {
    watched.later(10_000);
    progress.on({ kind: 'phase', phase: 'scan' });
    progress.on({ kind: 'scanned', side: 'left', entries: 1 });
    progress.stop();
  }
  assert.equal(lines.length, 1);
});

test('where it is known roughly how much there is to read, a line says how far that is and for how long it goes on', () => {
  using watched = new Watched();
  const { progress, lines } = watched;
  progress.on({ kind: 'phase', phase: 'scan' });
  progress.on({ kind: 'expected', side: 'left', entries: 40_000 });
  progress.on({ kind: 'expected', side: 'right', entries: 0 });
  for (const entries of [5_000, 10_000, 50_000]) {
    watched.now += 5_000;
    progress.on({ kind: 'scanned', side: 'left', entries });
  }
  progress.stop();
  // An estimate that was passed says nothing any more.
  assert.deepEqual(lines, ['reading · 5,000 read · about 12%', 'reading · 10,000 read · about 25% · 1,000/s · about 30 s left', 'reading · 50,000 read · 8,000/s']);
});
