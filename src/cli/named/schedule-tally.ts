import type { Metric, Sample } from '../../lib/prometheus.ts';
import { redact } from '../../lib/redact.ts';
import { version } from '../program/version.ts';
import type { Standing } from '../watch/outlets.ts';
import type { NamedEnd } from './run-named.ts';

type SyncState = 'waiting' | 'running' | 'troubled' | 'stopped';

const states: readonly SyncState[] = ['waiting', 'running', 'troubled', 'stopped'];

interface Tally {
  state: SyncState;
  readonly runs: { ok: number; failed: number };
  readonly changes: { created: number; updated: number; deleted: number };
  failures: number;
  quarantined: number;
  startMs: number | undefined;
  runMs: number;
  nextMs: number | undefined;
  lastSuccessMs: number | undefined;
  lastError: { readonly at: number; readonly code: string; readonly message: string } | undefined;
}

/** Counts what syncs do at their times, and says how each stands. */
export class ScheduleTally implements Standing {
  readonly #now: () => number;
  readonly #startedMs: number;
  readonly #syncs: ReadonlyMap<string, Tally>;

  constructor(names: readonly string[], now: () => number) {
    this.#now = now;
    this.#startedMs = now();
    this.#syncs = new Map(names.map((name) => [name, { state: 'waiting', runs: { ok: 0, failed: 0 }, changes: { created: 0, updated: 0, deleted: 0 }, failures: 0, quarantined: 0, startMs: undefined, runMs: 0, nextMs: undefined, lastSuccessMs: undefined, lastError: undefined }]));
  }

  /** Whether the last run of each ended without a failure. */
  get isWell(): boolean {
    return [...this.#syncs.values()].every(({ state }) => state !== 'troubled');
  }

  /** It is due then; `undefined`: never. */
  waiting(name: string, dueMs: number | undefined): void {
    this.#of(name).nextMs = dueMs;
  }

  started(name: string): void {
    const tally = this.#of(name);
    tally.state = 'running';
    tally.startMs = this.#now();
  }

  ended(name: string, end: NamedEnd): void {
    const tally = this.#of(name);
    const nowMs = this.#now();
    const isWell = end.exitCode === 0;
    // Whoever ends the program in the middle of a run has not made it fail: the next start goes on with it.
    const wasCut = 'report' in end && end.report.interrupted;
    tally.state = isWell || wasCut ? 'waiting' : 'troubled';
    tally.runMs = nowMs - (tally.startMs ?? nowMs);
    if (!wasCut) tally.runs[isWell ? 'ok' : 'failed']++;
    if (isWell) tally.lastSuccessMs = nowMs;
    const [failed] = 'report' in end ? end.report.failures : [end];
    if (failed) tally.lastError = { at: nowMs, code: failed.error.code, message: redact(failed.error.sentence) };
    if (!('report' in end)) return;
    const { counts, problems } = end.report;
    for (const what of ['created', 'updated', 'deleted'] as const) tally.changes[what] += counts[what];
    tally.quarantined = counts.quarantined;
    tally.failures += counts.failed + counts.conflicts + problems;
  }

  /** Nothing more will happen. */
  stop(): void {
    for (const tally of this.#syncs.values()) tally.state = 'stopped';
  }

  /** How things stand, for programs. Times are in ISO 8601. */
  health(): object {
    const syncs = [...this.#syncs].map(([name, { state, runs, changes, failures, quarantined, startMs, runMs, nextMs, lastSuccessMs, lastError }]) => [name, {
      state, lastRunAt: iso(startMs), lastSuccessAt: iso(lastSuccessMs), nextRunAt: iso(nextMs), lastError: lastError ? { ...lastError, at: iso(lastError.at) } : null,
      runs: runs.ok + runs.failed, failedRuns: runs.failed, changes: { ...changes }, failures, quarantined, lastRunSeconds: runMs / 1000,
    }] as const);
    return { program: 'syncline', version, startedAt: iso(this.#startedMs), well: this.isWell, syncs: Object.fromEntries(syncs) };
  }

  metrics(): readonly Metric[] {
    const each = (samples: (tally: Tally) => readonly Sample[]): readonly Sample[] => [...this.#syncs].flatMap(([sync, tally]) => samples(tally).map(({ labels, value }) => ({ labels: { sync, ...labels }, value })));
    const one = (name: string, kind: Metric['kind'], help: string, value: (tally: Tally) => number): Metric => ({ name: `syncline_${name}`, kind, help, samples: each((tally) => [{ value: value(tally) }]) });
    return [
      { name: 'syncline_runs_total', kind: 'counter', help: 'Runs, by how they ended.', samples: each(({ runs }) => Object.entries(runs).map(([result, value]) => ({ labels: { result }, value }))) },
      { name: 'syncline_changes_total', kind: 'counter', help: 'Entries written or removed.', samples: each(({ changes }) => Object.entries(changes).map(([change, value]) => ({ labels: { change }, value }))) },
      one('failures_total', 'counter', 'Entries that could not be read or written, counted each time.', ({ failures }) => failures),
      one('quarantined', 'gauge', 'Records in quarantine.', ({ quarantined }) => quarantined),
      one('last_run_seconds', 'gauge', 'How long the last run took.', ({ runMs }) => runMs / 1000),
      one('last_success_timestamp_seconds', 'gauge', 'When a run last ended without a failure, in Unix time; 0 before the first.', ({ lastSuccessMs = 0 }) => lastSuccessMs / 1000),
      one('next_run_timestamp_seconds', 'gauge', 'When the next run is due, in Unix time; 0 where it never is.', ({ nextMs = 0 }) => nextMs / 1000),
      { name: 'syncline_state', kind: 'gauge', help: 'How things stand: 1 for the state it is in.', samples: each((tally) => states.map((state) => ({ labels: { state }, value: state === tally.state ? 1 : 0 }))) },
    ];
  }

  #of(name: string): Tally {
    return this.#syncs.get(name) as Tally;
  }
}

function iso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
