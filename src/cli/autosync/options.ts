import { SyncError } from '../../model/errors.ts';
import { syncOptions } from '../options.ts';
import type { Values } from '../options.ts';
import type { FlagSpec } from './flags.ts';

/** What the flags say, once they have been read. */
export interface AutosyncFlags {
  readonly target_container?: string;
  readonly target_prefix: string;
  readonly source_prefix: string;
  readonly source_filter: string;
  readonly source_exclude?: string;
  readonly actor: string;
  readonly cachefile?: string;
  readonly start_sync: boolean;
  readonly threads: number;
  readonly once: boolean;
  readonly dry_run: boolean;
  /** As it was written: a count, a share or `all`. */
  readonly max_deletes?: string;
  readonly verbose: boolean;
  readonly help: boolean;
}

function oneOf(...choices: readonly string[]): (text: string) => string {
  return (text) => {
    if (!choices.includes(text.toLowerCase())) throw new SyncError('invalid', `must be ${choices.filter((choice) => choice !== '').join(' or ')}`);
    return text;
  };
}

/** The most deletions, as `sync` reads it. */
export function maxDeletes(text: string): NonNullable<Values['maxDeletes']> {
  return syncOptions.find(({ name }) => name === 'max-deletes')?.parse?.(text) as NonNullable<Values['maxDeletes']>;
}

function deletes(text: string): string {
  maxDeletes(text);
  return text;
}

function threads(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(number >= 1 && number <= 1_000)) throw new SyncError('invalid', 'must be a whole number from 1 to 1000');
  return number;
}

/** The flags of the program whose place this takes. */
export const originalFlags: readonly FlagSpec[] = [
  { name: 'target_container', value: 'NAME', summary: 'the bucket that is written; it is created if it does not exist' },
  { name: 'target_prefix', value: 'TEXT', default: '', summary: 'what keys begin with at the target' },
  { name: 'source_prefix', value: 'TEXT', default: '', summary: 'taken off the front of the absolute path of a file' },
  { name: 'source_filter', value: 'REGEX', default: '^.*$', summary: 'only files whose absolute path matches from its start' },
  { name: 'source_exclude', value: 'REGEX', summary: 'not files whose absolute path matches; wins over --source_filter' },
  { name: 'actor', value: 'NAME', default: 's3', summary: 's3 (default), or a module of your own: a path, or the name of a package' },
  { name: 'cachefile', value: 'PATH', summary: 'where digests of files are remembered (default under $XDG_STATE_HOME)' },
  { name: 'start_sync', default: true, summary: 'compare everything before watching (default); --nostart_sync: only what changes from now on' },
  { name: 'threads', value: 'N', parse: threads, default: 100, summary: 'the most uploads under way at once (default 100)' },
  { name: 'threader', value: 'NAME', parse: oneOf('gevent', 'thread'), summary: 'taken, and without effect' },
  { name: 'encoding', value: 'NAME', parse: oneOf('utf-8', 'utf8', ''), summary: 'of file names; only utf-8, which is the default, can be used' },
];

/** What there is besides. */
export const addedFlags: readonly FlagSpec[] = [
  { name: 'once', default: false, summary: 'end when the target is as the sources are, instead of watching' },
  { name: 'dry_run', default: false, summary: 'say what would be done, and do nothing' },
  { name: 'max_deletes', value: 'N|N%|all', parse: deletes, summary: 'refuse to delete more than this (default 50% of what the target holds, and never all of it)' },
  { name: 'verbose', default: false, summary: 'one line for every file, and for every request that is tried again' },
  { name: 'help', default: false, summary: 'say what there is' },
];

const flagfile: readonly FlagSpec[] = [
  { name: 'flagfile', value: 'PATH', summary: 'read more flags from this file, one a line' },
  { name: 'undefok', value: 'NAMES', summary: 'flags that are passed over where they are not known' },
];

/** The help text. */
export function help(more: readonly FlagSpec[]): string {
  const sections: readonly (readonly [string, readonly FlagSpec[]])[] = [['Flags', [...originalFlags, ...flagfile]], ['Added to those of the original', addedFlags], ...(more.length > 0 ? [['Of the actor', more] as const] : [])];
  const left = ({ name, value, default: given }: FlagSpec): string => (value === undefined ? `--${given === true ? '[no]' : ''}${name}` : `--${name}=${value}`);
  const width = Math.max(...sections.flatMap(([, specs]) => specs.map((spec) => left(spec).length)));
  const lines = sections.flatMap(([title, specs]) => ['', `${title}:`, ...specs.map((spec) => `  ${left(spec).padEnd(width)}  ${spec.summary}`)]);
  return [
    'Usage: autosync [FLAGS] SOURCE...',
    '',
    'Keeps a bucket as local files are: compares everything, then watches. Interrupt to end.',
    'Credentials, region and endpoint come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,',
    'AWS_REGION, AWS_ENDPOINT_URL) or a profile. Names are written with _ or -, values after = or a space.',
    ...lines,
    '',
    'Nothing is deleted when a source cannot be read in full or turns out to be empty.',
    '',
  ].join('\n');
}
