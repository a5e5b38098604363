import type { WatchEvent } from '../../engine/watch.ts';
import type { Metric } from '../../lib/prometheus.ts';
import { redact } from '../../lib/redact.ts';
import type { SyncError } from '../../model/errors.ts';
import { version } from '../program/version.ts';

/** How things stand: before the first run, in step and listening, looking or writing, waiting to try again, kept back by the guard, ended. */
export type WatchState = 'starting' | 'watching' | 'running' | 'troubled' | 'refused' | 'stopped';

const states: readonly WatchState[] = ['starting', 'watching', 'running', 'troubled', 'refused', 'stopped'];

interface LastError {
  readonly at: number;
  readonly error: SyncError;
}

/** Counts what a watched pairing does, and says how it stands. */
export class WatchTally {
  readonly #now: () => number;
  readonly #places: { readonly origins: readonly string[]; readonly destination: string };
  readonly #startedMs: number;
  readonly #runs = { whole: { ok: 0, failed: 0 }, part: { ok: 0, failed: 0 } };
  readonly #changes = { created: 0, updated: 0, deleted: 0 };
  #failed = 0;
  #retries = 0;
  #hints = 0;
  #behind = 0;
  #runMs = 0;
  #lastRunMs: number | undefined;
  #lastSuccessMs: number | undefined;
  #lastFullMs: number | undefined;
  #lastError: LastError | undefined;
  /** What is to be said when no run is under way. */
  #resting: WatchState = 'starting';
  #running = false;
  #runStartedMs = 0;

  constructor(places: { readonly origins: readonly string[]; readonly destination: string }, now: () => number) {
    this.#places = { origins: places.origins.map(redact), destination: redact(places.destination) };
    this.#now = now;
    this.#startedMs = now();
  }

  /** How it stands now. */
  get state(): WatchState {
    return this.#running && this.#resting !== 'stopped' ? 'running' : this.#resting;
  }

  /** Whether nothing is waiting to be tried again, or kept back. */
  get isWell(): boolean {
    return this.state !== 'troubled' && this.state !== 'refused';
  }

  /** Takes note of what happened. */
  on(event: WatchEvent): void {
    switch (event.kind) {
      case 'watching': break;
      case 'started':
        this.#hints += event.hints;
        this.#running = true;
        this.#runStartedMs = this.#now();
        break;
      case 'ended': return this.#ended(event);
      case 'failed':
        this.#end(event.reach === 'everything', false, event.behind);
        this.#note(event.error);
        if (this.#resting !== 'refused') this.#resting = 'troubled';
        break;
      case 'trouble':
        for (const { error } of event.troubles) this.#note(error);
        if (this.#resting !== 'refused') this.#resting = 'troubled';
        break;
      case 'refused':
        this.#note(event.error);
        this.#resting = 'refused';
        break;
      case 'recovered':
        this.#resting = 'watching';
        break;
      default: event satisfies never;
    }
  }

  /** A write is tried again. */
  retrying(): void {
    this.#retries++;
  }

  /** Nothing more will happen. */
  stop(): void {
    this.#resting = 'stopped';
  }

  /** How things stand, for programs. Times are in ISO 8601. */
  health(): object {
    const { whole, part } = this.#runs;
    return {
      program: 'syncline', version, ...this.#places, state: this.state,
      startedAt: iso(this.#startedMs), lastRunAt: iso(this.#lastRunMs), lastSuccessAt: iso(this.#lastSuccessMs), lastFullPassAt: iso(this.#lastFullMs),
      lastError: this.#lastError ? { at: iso(this.#lastError.at), code: this.#lastError.error.code, message: redact(this.#lastError.error.sentence) } : null,
      behind: this.#behind, runs: whole.ok + whole.failed + part.ok + part.failed, fullRuns: whole.ok + whole.failed, failedRuns: whole.failed + part.failed,
      changes: { ...this.#changes }, failures: this.#failed, retries: this.#retries, hints: this.#hints, lastRunSeconds: this.#runMs / 1000,
    };
  }

  metrics(): readonly Metric[] {
    const { created, updated, deleted } = this.#changes;
    const runs = (['whole', 'part'] as const).flatMap((reach) => (['ok', 'failed'] as const).map((result) => ({ labels: { reach, result }, value: this.#runs[reach][result] })));
    const one = (name: string, kind: Metric['kind'], help: string, value: number): Metric => ({ name: `syncline_${name}`, kind, help, samples: [{ value }] });
    return [
      { name: 'syncline_runs_total', kind: 'counter', help: 'Runs, by how much they looked at and how they ended.', samples: runs },
      { name: 'syncline_changes_total', kind: 'counter', help: 'Entries written at or removed from the destination.', samples: Object.entries({ created, updated, deleted }).map(([change, value]) => ({ labels: { change }, value })) },
      one('failures_total', 'counter', 'Entries that could not be read or written, counted each time.', this.#failed),
      one('retries_total', 'counter', 'Requests and writes that were tried again within a run.', this.#retries),
      one('hints_total', 'counter', 'Changes that origins told of.', this.#hints),
      one('behind_entries', 'gauge', 'Entries or directories known to be left to do, roughly.', this.#behind),
      one('last_run_seconds', 'gauge', 'How long the last run took.', this.#runMs / 1000),
      one('last_success_timestamp_seconds', 'gauge', 'When a run last ended without a failure, in Unix time; 0 before the first.', (this.#lastSuccessMs ?? 0) / 1000),
      one('last_full_pass_timestamp_seconds', 'gauge', 'When a run of everything last ended without a failure, in Unix time; 0 before the first.', (this.#lastFullMs ?? 0) / 1000),
      { name: 'syncline_state', kind: 'gauge', help: 'How things stand: 1 for the state it is in.', samples: states.map((state) => ({ labels: { state }, value: state === this.state ? 1 : 0 })) },
    ];
  }

  #ended({ reach, report, behind }: WatchEvent & { readonly kind: 'ended' }): void {
    const { counts, problems } = report;
    for (const name of ['created', 'updated', 'deleted'] as const) this.#changes[name] += counts[name];
    const failed = counts.failed + counts.conflicts + problems;
    this.#failed += failed;
    this.#end(reach === 'everything', failed === 0 && !report.interrupted, behind);
    if (this.#resting === 'starting') this.#resting = 'watching';
  }

  #end(whole: boolean, ok: boolean, behind: number): void {
    const atMs = this.#now();
    this.#running = false;
    this.#runs[whole ? 'whole' : 'part'][ok ? 'ok' : 'failed']++;
    this.#behind = behind;
    this.#runMs = atMs - this.#runStartedMs;
    this.#lastRunMs = atMs;
    if (ok) this.#lastSuccessMs = atMs;
    if (ok && whole) this.#lastFullMs = atMs;
  }

  #note(error: SyncError): void {
    this.#lastError = { at: this.#now(), error };
  }
}

function iso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
