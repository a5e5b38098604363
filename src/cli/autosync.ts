import { runDiff } from '../engine/diff.ts';
import { openState } from '../engine/state/sqlite-state.ts';
import type { State } from '../engine/state/state.ts';
import { runSync } from '../engine/sync.ts';
import type { OneWay, RunEvent } from '../engine/types.ts';
import { watchSync } from '../engine/watch.ts';
import type { WatchEvent } from '../engine/watch.ts';
import { linearRegExp } from '../lib/linear-regexp.ts';
import { SyncError } from '../model/errors.ts';
import type { Source, Store } from '../model/store.ts';
import { loadActor } from '../stores/actor/load-actor.ts';
import type { LoadedActor } from '../stores/actor/load-actor.ts';
import { parseLine, peek } from './autosync/flags.ts';
import type { FlagSpec } from './autosync/flags.ts';
import { mappingOf } from './autosync/mapping.ts';
import type { Mapping } from './autosync/mapping.ts';
import { addedFlags, help, maxDeletes, originalFlags } from './autosync/options.ts';
import type { AutosyncFlags } from './autosync/options.ts';
import { localsOf, openLocal } from './autosync/places.ts';
import { openTarget } from './autosync/target.ts';
import { exitOf, exits } from './program/exit.ts';
import { terminalHost } from './program/host.ts';
import { Interrupt } from './program/interrupt.ts';
import { stateFiles } from './pairing/own-files.ts';
import { defaultStatePath } from './pairing/pairing.ts';
import { ignoreBrokenPipes } from './program/program.ts';
import { Progress } from './render/progress.ts';
import { summary } from './render/summary.ts';
import { Terminal } from './program/terminal.ts';
import { WatchLines } from './watch/lines.ts';

/** The longest that a timer can wait. */
const neverMs = 2 ** 31 - 1;

interface Invocation {
  readonly flags: AutosyncFlags & { readonly target_container: string };
  readonly sources: readonly string[];
  readonly actor: LoadedActor | undefined;
}

/** Runs one command line of the original on the engine of this program. */
async function main(argv: readonly string[]): Promise<number> {
  ignoreBrokenPipes();
  let terminal = new Terminal({});
  let otherwise: number | undefined = exits.usage;
  try {
    const invocation = await read(argv);
    if (typeof invocation === 'string') {
      terminal.out(invocation);
      return exits.done;
    }
    terminal = new Terminal({ verbose: invocation.flags.verbose });
    otherwise = undefined;
    return await run(invocation, terminal);
  } catch (error) {
    const { giveUp } = await import('./program/errors.ts');
    const exitCode = await giveUp(error, { program: 'autosync', command: 'autosync', values: {}, terminal });
    return otherwise ?? exitCode;
  }
}

/** The command line, or the help that it asks for. */
async function read(argv: readonly string[]): Promise<Invocation | string> {
  const directory = process.cwd();
  const name = peek(argv, 'actor', directory) ?? 's3';
  const actor = name === 's3' ? undefined : await loadActor(name, directory);
  const own: readonly FlagSpec[] = Object.entries(actor?.flags ?? {}).map(([flag, text]) => ({ name: flag, value: 'TEXT', summary: text }));
  const { flags: given, sources } = parseLine(argv, [...originalFlags, ...addedFlags, ...own], directory);
  const flags = given as unknown as AutosyncFlags;
  if (flags.help) return help(own);
  const { target_container: container } = flags;
  if (!container) throw new SyncError('invalid', 'no target container was named', { hint: 'add --target_container=NAME' });
  if (sources.length === 0) throw new SyncError('invalid', 'no source was named', { hint: 'name a directory to mirror' });
  return { flags: { ...flags, target_container: container }, sources, actor };
}

async function run({ flags, sources, actor }: Invocation, terminal: Terminal): Promise<number> {
  const directory = process.cwd();
  const host = terminalHost(terminal);
  const locals = localsOf(sources, directory);
  const mapping = mappingOf(locals, { sourcePrefix: flags.source_prefix, targetPrefix: flags.target_prefix, strips: actor === undefined });
  const own = new Set(stateFiles(flags.cachefile ?? defaultStatePath(terminal.environment)).map((path) => mapping.keyOf(path)));
  const chosen = await selection(flags, mapping);
  const where = (ref: { readonly key: string }): boolean => !own.has(ref.key) && chosen(ref);
  warnOfDropped(mapping, flags, terminal);
  using interrupt = new Interrupt(terminal);
  await using state = openMemory(flags, terminal);
  await using opened = new AsyncDisposableStack();
  const target = opened.use(await openTarget({ flags: { ...flags }, container: flags.target_container, prefix: flags.target_prefix, threads: flags.threads, directory, state, actor }, mapping, host));
  const origins: Source[] = [];
  for (const local of locals) origins.push(opened.use(await openLocal(local, mapping, host)));
  const guard = flags.max_deletes === undefined ? undefined : { maxDeletes: maxDeletes(flags.max_deletes) };
  const pairing: OneWay & { readonly signal: AbortSignal } = {
    origins, target, host, state, where, deletes: 'propagate', signal: interrupt.signal,
    ...(guard && { guard }),
  };
  if (flags.dry_run) return await plan(pairing, terminal);
  return flags.once ? await once(pairing, terminal) : await watch(pairing, { startSync: flags.start_sync, own, terminal });
}

/** Which keys take part, on both sides alike, so that what the filters leave out is left alone. */
async function selection({ source_filter: filter, source_exclude: exclude }: AutosyncFlags, mapping: Mapping): Promise<(ref: { readonly key: string }) => boolean> {
  const anchored = async (flag: string, pattern: string): Promise<(path: string) => boolean> => {
    try {
      const expression = await linearRegExp(`^(?:${pattern})`);
      return (path) => expression.test(path);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new SyncError('invalid', `--${flag} ${JSON.stringify(pattern)} ${cause.message}`, { cause, hint: 'write it without looking ahead or behind, and without references back' });
    }
  };
  // `.` is no line end, in any name there may be one, and a filter that was never given must not leave anything out.
  const wanted = filter === '' || filter === '^.*$' ? undefined : await anchored('source_filter', filter);
  const unwanted = exclude === undefined || exclude === '' ? undefined : await anchored('source_exclude', exclude);
  if (!wanted && !unwanted) return ({ key }) => mapping.covers(key);
  return ({ key }) => mapping.covers(key) && mapping.pathsOf(key).some((path) => (wanted?.(path) ?? true) && !unwanted?.(path));
}

function warnOfDropped({ dropped }: Mapping, { target_prefix: prefix }: AutosyncFlags, terminal: Terminal): void {
  if (dropped.length === 0) return;
  const why = `--target_prefix ${prefix} is dropped, as keys that begin with a slash are whole paths`;
  if (dropped.some((begins) => begins === '' || begins === '/')) throw new SyncError('invalid', `${why}, and everything in the container would belong to the mirror`, { hint: 'end --source_prefix with a slash' });
  terminal.say(`warning: ${why}; end --source_prefix with a slash, or leave out --target_prefix`);
}

function openMemory({ cachefile }: AutosyncFlags, terminal: Terminal): State {
  if (cachefile !== undefined) return openState(cachefile);
  try {
    return openState(defaultStatePath(terminal.environment));
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    terminal.say(`warning: ${error.sentence}; going on without it`);
    return openState(undefined);
  }
}

async function plan(pairing: OneWay, terminal: Terminal): Promise<number> {
  const report = await runDiff(pairing, (actions) => {
    for (const action of actions) {
      if (action.kind === 'put') terminal.out(`${action.over ? 'update' : 'create'} ${JSON.stringify(action.key)}\n`);
      else if (action.kind === 'delete') terminal.out(`delete ${JSON.stringify(action.key)}\n`);
    }
  });
  terminal.out(summary(report, { paint: terminal.paint, byType: false, planned: true }));
  return exitOf(report, { differencesAreFine: true });
}

async function once(pairing: OneWay, terminal: Terminal): Promise<number> {
  const progress = new Progress(terminal, () => Date.now());
  try {
    const report = await runSync({ ...pairing, on: (event) => progress.on(event) });
    progress.stop();
    const exitCode = exitOf(report);
    terminal.out(summary(report, { paint: terminal.paint, byType: false }));
    return exitCode;
  } finally {
    progress.stop();
  }
}

async function watch(pairing: OneWay & { readonly signal: AbortSignal }, { startSync, own, terminal }: { readonly startSync: boolean; readonly own: ReadonlySet<string>; readonly terminal: Terminal }): Promise<number> {
  const progress = new Progress(terminal, () => Date.now());
  const lines = new WatchLines(terminal, { origins: pairing.origins.map(({ name }) => name), target: (pairing.target as Store).name });
  let first = startSync;
  const onRun = (event: RunEvent): void => {
    lines.onRun(event);
    if (first) progress.on(event);
  };
  const on = (event: WatchEvent): void => {
    if (event.kind === 'ended' || event.kind === 'failed') {
      first = false;
      progress.stop();
    }
    lines.on(event);
  };
  const unseen = startSync ? {} : { startWhole: false, fullEveryMs: neverMs, pollEveryMs: neverMs };
  try {
    await watchSync({ ...pairing, on: onRun }, { ...unseen, isDeafTo: (key) => own.has(key), on });
  } finally {
    progress.stop();
  }
  return exits.done;
}

process.exitCode = await main(process.argv.slice(2));
