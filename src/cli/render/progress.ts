import type { Action } from '../../core/reconcile.ts';
import type { RunEvent } from '../../engine/types.ts';
import type { SyncError } from '../../model/errors.ts';
import type { Terminal } from '../program/terminal.ts';
import { failureText } from './failure.ts';
import { columnsOf, count, counted, duration, printable } from './style.ts';

const redrawMs = 100;
const lineMs = 5_000;
/** A run that is over sooner needs no plain lines. */
const patienceMs = 2_000;
/** How far back the rate looks. */
const windowMs = 5_000;

const phases = { scan: 'reading', sort: 'sorting', write: 'writing', delete: 'deleting', done: 'done' } as const;

/** Shows how far a run is: one line that is redrawn on a terminal, elsewhere a plain line now and then. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  readonly #samples: { readonly at: number; readonly steps: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #phase: keyof typeof phases | undefined;
  #read = { left: 0, right: 0 };
  readonly #expected = new Map<'left' | 'right', number>();
  #written = 0;
  #writtenBefore = 0;
  #failed = 0;
  #total: number | undefined;
  #startedAt = 0;
  #drawnAt = 0;
  #shown = '';
  #stopped = false;

  constructor(terminal: Terminal, now: () => number) {
    this.#terminal = terminal;
    this.#now = now;
    this.#begin();
  }

  /** Takes note of what happened. */
  on(event: RunEvent): void {
    switch (event.kind) {
      case 'phase': return this.#enter(event.phase, event.total);
      case 'expected':
        this.#expected.set(event.side, event.entries);
        break;
      case 'scanned':
        this.#read[event.side] = event.entries;
        break;
      case 'done':
        this.#written++;
        if (this.#verbose) this.#terminal.say(`${event.action.kind === 'delete' ? 'deleted' : isUpdate(event.action) ? 'updated' : 'created'} ${event.action.key}`);
        break;
      case 'carried':
        this.#written += event.entries;
        break;
      case 'stale':
      case 'failed':
        this.#failed++;
        if (this.#verbose) this.#terminal.say(event.kind === 'failed' ? failed(event.action, event.error) : `left alone ${event.action.key}, which was changed meanwhile`);
        break;
      case 'skipped':
        if (this.#verbose) this.#terminal.say(`left alone ${event.action.key}, which is newer there by now`);
        break;
      case 'problem':
        if (this.#verbose) this.#terminal.say(failureText({ ...event.problem, action: 'read' }, event.problem.error.message).join(' '));
        break;
      case 'warning':
        break;
      case 'retrying':
        if (this.#verbose) this.#terminal.say(`trying again in ${duration(event.inMs)} (${event.error.message})`);
        break;
      default: event satisfies never;
    }
    if (this.#now() - this.#drawnAt >= (this.#terminal.live ? redrawMs : lineMs)) this.#tick();
  }

  /** Takes the line away, until another run begins. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#terminal.attach(undefined);
    this.#stopped = true;
  }

  #begin(): void {
    this.#stopped = false;
    this.#phase = this.#total = undefined;
    this.#read = { left: 0, right: 0 };
    this.#expected.clear();
    this.#written = this.#failed = 0;
    this.#startedAt = this.#drawnAt = this.#now();
    if (this.#isSilent) return;
    const { live } = this.#terminal;
    if (live) this.#terminal.attach({ clear: () => this.#clear(), redraw: () => this.#draw() });
    // Time goes on and rates fall while nothing happens.
    this.#timer = setInterval(() => {
      // What was just told by an event is not told again.
      if (live || this.#now() - this.#drawnAt >= lineMs / 2) this.#tick();
    }, live ? redrawMs * 5 : lineMs).unref();
  }

  get #isSilent(): boolean {
    return this.#terminal.level === 'quiet' || this.#terminal.isShared;
  }

  get #verbose(): boolean {
    return this.#terminal.level === 'verbose' || this.#terminal.level === 'debug';
  }

  #enter(phase: keyof typeof phases, total: number | undefined): void {
    if (this.#stopped) this.#begin();
    if (phase === this.#phase && total === this.#total) return;
    const changed = phase !== this.#phase;
    this.#phase = phase;
    this.#total = total;
    this.#writtenBefore = this.#written + this.#failed;
    this.#samples.length = 0;
    if (phase === 'done' || this.#isSilent) return;
    if (this.#terminal.live) this.#tick();
    else if (changed && this.#now() - this.#startedAt >= patienceMs) this.#terminal.err(total === undefined ? phases[phase] : `${phases[phase]} ${counted(total, 'entry', 'entries')}`);
  }

  #tick(): void {
    if (this.#isSilent || this.#phase === undefined || this.#phase === 'done') return;
    const at = this.#now();
    this.#drawnAt = at;
    this.#samples.push({ at, steps: this.#steps });
    while (this.#samples.length > 2 && at - (this.#samples[0]?.at ?? at) > windowMs) this.#samples.shift();
    if (this.#terminal.live) {
      this.#clear();
      this.#draw();
    } else this.#terminal.err(this.#text);
  }

  /** What the rate is about: entries read, until writing begins. */
  get #steps(): number {
    return this.#phase === 'scan' ? this.#read.left + this.#read.right : this.#written + this.#failed;
  }

  /** How much of what is to be read was read, and how much was not; nothing where that is not known or was estimated badly. */
  get #ahead(): { readonly share: number; readonly left: number } | undefined {
    if (this.#phase !== 'scan' || this.#total !== undefined || this.#expected.size === 0) return undefined;
    let [done, all] = [0, 0];
    for (const [side, entries] of this.#expected) {
      done += Math.min(this.#read[side], entries);
      all += entries;
    }
    return done > 0 && done < all ? { share: done / all, left: all - done } : undefined;
  }

  get #text(): string {
    const { left, right } = this.#read;
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    const rate = first && last && last.at > first.at ? ((last.steps - first.steps) * 1000) / (last.at - first.at) : 0;
    const finished = this.#written + this.#failed - this.#writtenBefore;
    const total = this.#total;
    const parts = [`${phases[this.#phase ?? 'scan']}`, `${count(left)} read`];
    if (right > 0) parts.push(`${count(right)} at the destination`);
    if (total !== undefined && total > 0 && this.#phase !== 'sort') parts.push(`${count(finished)} of ${count(total)} (${Math.floor((Math.min(finished, total) * 100) / total)}%)`);
    else if (this.#written > 0) parts.push(`${count(this.#written)} written`);
    if (this.#failed > 0) parts.push(`${count(this.#failed)} failed`);
    const ahead = this.#ahead;
    if (ahead) parts.push(`about ${Math.floor(ahead.share * 100)}%`);
    if (rate > 0) parts.push(`${count(Math.round(rate))}/s`);
    if (rate > 0 && ahead) parts.push(`about ${duration((ahead.left * 1000) / rate)} left`);
    if (rate > 0 && total !== undefined && total > finished) parts.push(`${duration(((total - finished) * 1000) / rate)} left`);
    return parts.join(' · ');
  }

  #draw(): void {
    if (this.#phase === undefined || this.#phase === 'done') return;
    let text = printable(this.#text);
    while (columnsOf(text) >= this.#terminal.columns) text = text.slice(0, -1);
    this.#shown = text;
    this.#terminal.raw(this.#terminal.paintErr('dim', text));
  }

  #clear(): void {
    if (this.#shown !== '') this.#terminal.raw('\r\u001b[2K');
    this.#shown = '';
  }
}

function failed(action: Action, error: SyncError): string {
  return failureText({ place: action.key, action: action.kind === 'delete' ? 'delete' : isUpdate(action) ? 'update' : 'create', error }, error.message).join(' ');
}

function isUpdate(action: Action): boolean {
  return 'over' in action && action.over !== undefined;
}
