import { readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Path } from '../../formats/yaml-lines.ts';
import { yamlLines } from '../../formats/yaml-lines.ts';
import { readYaml } from '../../formats/yaml-read.ts';
import type { Document, Value } from '../../model/document.ts';
import { SyncError } from '../../model/errors.ts';
import { recognise } from '../../stores/open.ts';
import { rangeOf } from '../timed/by-time.ts';
import { idOf } from '../timed/configuration.ts';
import { checkMerge } from '../commands/merge.ts';
import { checkSync } from '../commands/sync.ts';
import type { OptionSpec, Values } from '../options.ts';
import { elsewhere, fileDescription, optionsOf } from './description.ts';
import type { SyncKind } from './description.ts';
import { fillIn, isFilledIn } from './fill-in.ts';
import type { Sources } from './fill-in.ts';
import { findFault } from './find-fault.ts';
import type { Fault } from './find-fault.ts';
import { scheduleFrom } from './schedule.ts';
import type { Schedule } from './schedule.ts';

/** Where syncs are looked for unless a file is named. */
export const usualFile = 'syncline.yaml';

/** A sync by its name: a command line, and when it is run. */
export interface NamedSync {
  readonly name: string;
  /** Under which its runs are remembered: of the file and the name. */
  readonly id: string;
  readonly kind: SyncKind;
  /** The places, as on a command line. */
  readonly args: readonly string[];
  readonly values: Values;
  readonly schedule: Schedule | undefined;
}

/** A file of syncs that is as it has to be, as far as that can be told without filling anything in. */
export interface SyncFile {
  /** The folder it lies in, which names in it begin at. */
  readonly folder: string;
  /** In the order of the file. */
  readonly names: readonly string[];
  /** A sync, everything filled in. Throws `invalid` with file and line where it cannot be. */
  sync(name: string): NamedSync;
}

/** Reads a file of named syncs. Throws with a sentence that names the file, the line and what is allowed. */
export function loadSyncs(path: string, environment: Sources['environment']): SyncFile {
  const text = textOf(path);
  const value = readYaml(text, path);
  const lineOf = yamlLines(text);
  const fault = findFault(value, fileDescription());
  if (fault) throw at(path, lineOf(fault.path), ...sentencesOf(fault));
  const { syncs } = value as { readonly syncs: Document };
  const full = realpathSync(path);
  const sources = { environment, folder: dirname(full) };
  return {
    folder: sources.folder,
    names: Object.keys(syncs),
    sync: (name) => {
      // Every fault below is told with the line of what was looked at last.
      let looked: Path = ['syncs', name];
      try {
        const read = syncFrom(syncs[name] as Document, sources, (below) => (looked = ['syncs', name, ...below]));
        return { name, id: idOf(JSON.stringify(['named', full, name])), ...read };
      } catch (error) {
        if (!(error instanceof SyncError)) throw error;
        throw at(path, lineOf(looked), error.message, error.details.hint);
      }
    },
  };
}

/** The names of the syncs in a file, for whoever only offers them; none where there is no such file or it is not readable. */
export function namesIn(path: string): readonly string[] {
  try {
    const value = readYaml(textOf(path), path) as { readonly syncs?: object };
    return Object.keys(value.syncs ?? {});
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new SyncError('not-found', `there is no ${path}`, { cause, hint: 'write one (see syncline run --help), or name it with --config' });
    throw new SyncError('denied', `cannot read ${path} (${code ?? String(cause)})`, { cause, hint: 'name a file with --config' });
  }
}

function sentencesOf({ path, sentence }: Fault): readonly [sentence: string, hint?: string] {
  const name = String(path.at(-1));
  const hint = path.length === 3 && sentence.includes(' is not allowed in ') ? elsewhere(name) : undefined;
  return hint === undefined ? [sentence] : [`${JSON.stringify(name)} is not an option of a sync`, hint];
}

function at(path: string, line: number, sentence: string, hint?: string): SyncError {
  return new SyncError('invalid', `${path}:${line}: ${sentence}`, hint === undefined ? {} : { hint });
}

type Look = (path: Path) => void;

function syncFrom(given: Document, sources: Sources, look: Look): Omit<NamedSync, 'name' | 'id'> {
  const kind: SyncKind = Object.hasOwn(given, 'merge') ? 'merge' : 'sync';
  const args = placesIn(kind, given[kind] as Document, sources, (path) => look([kind, ...path]));
  const specs = optionsOf(kind);
  const values: Record<string, unknown> = {};
  for (const spec of specs) {
    const value = given[spec.name];
    if (value === undefined) continue;
    look([spec.name]);
    const [key, read] = optionFrom(spec, value, sources);
    if (read !== undefined) values[key] = read;
  }
  for (const spec of specs) {
    const against = given[spec.name] === undefined || given[spec.name] === false ? undefined : spec.conflicts?.find((other) => values[other] !== undefined);
    look([spec.name]);
    if (against !== undefined) throw new SyncError('invalid', `${spec.name} and ${kebab(against)} cannot both be given`, { hint: 'leave out one of them' });
  }
  look(['cron']);
  const { every, ...rest } = values as Values;
  const filled = (name: 'cron' | 'timezone'): string | undefined => (given[name] === undefined ? undefined : fillIn(given[name] as string, sources));
  const schedule = scheduleFrom({ every, cron: filled('cron'), timezone: filled('timezone') });
  look([]);
  if (kind === 'merge') checkMerge(rest);
  else checkSync(rest, args);
  rangeOf(rest, { now: () => Date.now() });
  return { kind, args, values: rest, schedule };
}

function placesIn(kind: SyncKind, places: Document, sources: Sources, look: Look): readonly string[] {
  const { origins, target, left, right } = places;
  const given: readonly (readonly [Path, Value])[] = kind === 'merge'
    ? [[['left'], left as Value], [['right'], right as Value]]
    : [...[origins].flat().map((origin, i) => [Array.isArray(origins) ? ['origins', i] : ['origins'], origin as Value] as const), [['target'], target as Value]];
  return given.map(([path, value]) => {
    look(path);
    const place = fillIn(value as string, sources);
    if (/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*:[^/?#]*@/i.test(place)) throw new SyncError('invalid', 'a place is given with a password, which others could read', { hint: 'leave it out, and set it in the environment (see syncline stores)' });
    if (place === '-') throw new SyncError('invalid', 'standard input and output are for the command line', { hint: 'name a file' });
    return guarded(value as string, 'a place', () => {
      recognise(place);
      return place;
    });
  });
}

/** What an option sets, and to which value; `undefined` where it leaves things as they are. */
function optionFrom(spec: OptionSpec, value: Value, sources: Sources): readonly [name: string, value: unknown] {
  const { name, parse, repeats, means, sets } = spec;
  const key = sets ?? camel(name.replace(/^no-/, ''));
  if (means) return [means[0], value === true ? means[1] : undefined];
  if (typeof value === 'boolean') {
    // Where no is a word of its own, as of deletions in a merge, it is not the same as silence.
    if (name.startsWith('no-')) return [key, !value];
    return [key, value || (name === 'delete' ? false : undefined)];
  }
  const read = (each: Value): unknown => {
    const text = String(each);
    return guarded(text, name, () => {
      const filled = fillIn(text, sources);
      return parse ? parsed(name, parse, filled) : filled;
    });
  };
  return [key, repeats ? [value].flat().map((each) => read(each as Value)) : read(value)];
}

function parsed(name: string, parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw cause instanceof SyncError ? new SyncError('invalid', `${name} ${cause.message}`, { cause }) : cause;
  }
}

/** Does it; where what is wrong is wrong with something that was filled in, that is not repeated. */
function guarded<T>(text: string, what: string, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    if (!(cause instanceof SyncError) || !isFilledIn(text) || cause.message.startsWith('${')) throw cause;
    throw new SyncError('invalid', `${what} is not what it has to be when ${JSON.stringify(text)} is filled in`, { hint: 'look at what that is' });
  }
}

function camel(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
