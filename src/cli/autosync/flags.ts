import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { SyncError } from '../../model/errors.ts';
import type { ActorFlags } from '../../stores/actor/actor.ts';

/** One flag. Its name is written with underscores here, and with either dashes or underscores on the command line. */
export interface FlagSpec {
  readonly name: string;
  /** What stands for the value in help. Absent: a switch, which `no` in front turns off. */
  readonly value?: string;
  readonly summary: string;
  /** Reads the value's text; throws `invalid` with what it must be. */
  readonly parse?: (text: string) => string | number;
  readonly default?: string | number | boolean;
}

/** A command line as read. */
export interface Line {
  readonly flags: ActorFlags;
  readonly sources: readonly string[];
}

/** The most arguments of a command line and all its flag files. */
const mostArguments = 100_000;

/**
 * Reads flags as `--name=value` or `--name value`, with one dash or two, anywhere on the line. `--flagfile` reads more of
 * them from a file, one a line; `--undefok` names flags that are passed over where nobody knows them. The last one wins.
 */
export function parseLine(args: readonly string[], specs: readonly FlagSpec[], directory: string): Line {
  const all = withFiles(args, directory, []);
  const forgiven = new Set(valuesOf(all, 'undefok').flatMap((names) => names.split(',')).map((name) => underscored(name.trim())));
  const flags: { [name: string]: string | number | boolean | undefined } = Object.fromEntries(specs.map(({ name, default: value }) => [name, value]));
  const sources: string[] = [];
  for (let at = 0; at < all.length; at++) {
    const text = all[at]!;
    if (text === '--') {
      sources.push(...all.slice(at + 1));
      break;
    }
    const given = flagIn(text);
    if (!given) {
      sources.push(text);
      continue;
    }
    const { name, value } = given;
    const spec = specs.find((one) => one.name === name) ?? specs.find((one) => one.value === undefined && `no${one.name}` === name);
    if (!spec) {
      if (name !== 'undefok' && !forgiven.has(name) && !forgiven.has(name.replace(/^no/, ''))) throw unknown(name);
      if (name === 'undefok' && value === undefined) at++;
      continue;
    }
    if (spec.value === undefined) flags[spec.name] = switched(spec, name, value);
    else {
      const next = value ?? all[++at];
      if (next === undefined) throw new SyncError('invalid', `--${name} needs a value`, { hint: `write --${name}=${spec.value}` });
      flags[spec.name] = read(spec, next);
    }
  }
  return { flags, sources };
}

/** The last value of one flag that takes a value, whatever else is on the line. */
export function peek(args: readonly string[], name: string, directory: string): string | undefined {
  return valuesOf(withFiles(args, directory, []), name).at(-1);
}

function valuesOf(args: readonly string[], name: string): readonly string[] {
  return args.flatMap((text, at) => {
    const given = flagIn(text);
    if (given?.name !== name) return [];
    return given.value ?? args[at + 1] ?? [];
  });
}

function flagIn(text: string): { readonly name: string; readonly value: string | undefined } | undefined {
  const [, name, value] = /^--?([A-Za-z][\w-]*)(?:=([^]*))?$/.exec(text) ?? [];
  return name === undefined ? undefined : { name: underscored(name), value };
}

function underscored(name: string): string {
  return name.replaceAll('-', '_');
}

function withFiles(args: readonly string[], directory: string, within: readonly string[]): readonly string[] {
  const all: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const text = args[at]!;
    if (text === '--') return [...all, ...args.slice(at)];
    const given = flagIn(text);
    if (given?.name !== 'flagfile') all.push(text);
    else {
      const name = given.value ?? args[++at];
      if (name === undefined || name === '') throw new SyncError('invalid', '--flagfile needs a value', { hint: 'write --flagfile=path' });
      all.push(...linesOf(resolve(directory, name), directory, within));
    }
    if (all.length > mostArguments) throw new SyncError('invalid', `there are more than ${mostArguments} arguments`, { hint: 'use fewer flag files' });
  }
  return all;
}

function linesOf(path: string, directory: string, within: readonly string[]): readonly string[] {
  if (within.includes(path)) throw new SyncError('invalid', `the flag file ${path} includes itself`, { hint: 'remove that line' });
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new SyncError('invalid', `the flag file ${path} cannot be read`, { cause, hint: 'check the path' });
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('//'));
  return withFiles(lines, directory, [...within, path]);
}

function switched({ name: own }: FlagSpec, name: string, value: string | undefined): boolean {
  if (name !== own) {
    if (value !== undefined) throw new SyncError('invalid', `--${name} takes no value`, { hint: `write --${name} or --${own}` });
    return false;
  }
  if (value === undefined || /^(?:true|t|1)$/i.test(value)) return true;
  if (/^(?:false|f|0)$/i.test(value)) return false;
  throw new SyncError('invalid', `--${name} is ${JSON.stringify(value)}, and not true or false`, { hint: `write --${name} or --no${name}` });
}

function read({ name, parse }: FlagSpec, text: string): string | number {
  try {
    return parse ? parse(text) : text;
  } catch (cause) {
    throw new SyncError('invalid', `--${name} ${cause instanceof Error ? cause.message : String(cause)}`, { cause, hint: 'give it another value' });
  }
}

function unknown(name: string): SyncError {
  return new SyncError('invalid', `there is no flag --${name}`, { hint: 'see autosync --help' });
}
