import type { RunEvent } from '../../engine/types.ts';
import type { WatchEvent } from '../../engine/watch.ts';
import { redact } from '../../lib/redact.ts';
import { failureText } from '../render/failure.ts';
import { count, counted, duration, printable } from '../render/style.ts';
import type { Terminal } from '../program/terminal.ts';

/** Troubles named one by one. */
const named = 5;

/** Tells people what a watched pairing does: one line for each burst of changes, and one for each new trouble. */
export class WatchLines {
  readonly #terminal: Terminal;
  readonly #names: { readonly origins: string; readonly target: string };
  /** What was done when it was one thing. */
  #only: string | undefined;

  constructor(terminal: Terminal, names: { readonly origins: readonly string[]; readonly target: string }) {
    this.#terminal = terminal;
    this.#names = { origins: names.origins.map(redact).join(', '), target: redact(names.target) };
  }

  /** Takes note of what a run does. */
  onRun(event: RunEvent): void {
    if (event.kind === 'done') {
      const { action } = event;
      this.#only = `${action.kind === 'delete' ? 'deleted' : 'over' in action && action.over ? 'updated' : 'created'} ${action.key}`;
    } else if (event.kind === 'retrying' && this.#verbose) this.#say(`trying again in ${duration(event.inMs)} (${event.error.message})`);
  }

  on(event: WatchEvent): void {
    const { level } = this.#terminal;
    switch (event.kind) {
      case 'watching':
        if (level !== 'quiet') this.#say(`watching ${this.#names.origins}${event.polled > 0 ? ` (looking now and then, because ${event.sources === 0 ? 'it cannot tell' : 'not all can tell'} of changes)` : ''}; interrupt to end`);
        break;
      case 'started':
        this.#only = undefined;
        if (this.#verbose) this.#say(event.reach === 'everything' ? 'looking at everything' : `looking at ${event.reach.length <= 3 ? event.reach.join(', ') : counted(event.reach.length, 'place')}`);
        break;
      case 'ended':
        if (level !== 'quiet') this.#ended(event);
        break;
      case 'failed': break;
      case 'trouble':
        for (const { place, action, error } of event.troubles.slice(0, named)) this.#say(action === undefined ? error.sentence : failureText({ place, action, error }).join(' '), 'yellow');
        if (event.troubles.length > named) this.#say(`and ${count(event.troubles.length - named)} more`, 'yellow');
        if (level !== 'quiet') this.#say(`trying again ${event.inMs > 0 ? `in ${duration(event.inMs)}, and then ever less often` : 'later'}; this is not said again until it works`);
        break;
      case 'refused':
        this.#say(event.error.sentence, 'red');
        if (level !== 'quiet') this.#say('nothing was deleted, and watching goes on');
        break;
      case 'recovered':
        if (level !== 'quiet') this.#say(`all is well again: ${this.#names.target} is as it should be`, 'green');
        break;
      default: event satisfies never;
    }
  }

  #ended({ reach, report: { counts, problems, durationMs, interrupted } }: WatchEvent & { readonly kind: 'ended' }): void {
    const { created, updated, deleted } = counts;
    const changes = created + updated + deleted;
    const failed = counts.failed + counts.conflicts + problems;
    // What still does not work was said when it began.
    if (interrupted || (changes === 0 && !this.#verbose)) return;
    const parts = [[created, 'created'], [updated, 'updated'], [deleted, 'deleted'], [failed, 'failed']] as const;
    const text = changes === 1 && failed === 0 && this.#only !== undefined ? this.#only : parts.filter(([number]) => number > 0).map(([number, what]) => `${count(number)} ${what}`).join(', ') || 'nothing to do';
    this.#say(`${text}${reach === 'everything' ? ' (full pass)' : ''} in ${duration(durationMs)}`);
  }

  get #verbose(): boolean {
    return this.#terminal.level === 'verbose' || this.#terminal.level === 'debug';
  }

  #say(text: string, color?: 'yellow' | 'red' | 'green'): void {
    const line = printable(redact(text));
    this.#terminal.err(`${this.#terminal.paintErr('dim', new Date().toTimeString().slice(0, 8))} ${color === undefined ? line : this.#terminal.paintErr(color, line)}`);
  }
}
