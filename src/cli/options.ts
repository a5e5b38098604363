import type { Guard } from '../core/guard.ts';
import { SyncError } from '../model/errors.ts';

/** One option of the command line. Parsing, help and completion are derived from it. */
export interface OptionSpec {
  /** Without dashes, as in `max-deletes`; `no-x` takes back what `x` gives. */
  readonly name: string;
  readonly short?: string;
  /** What stands for the value in help. Absent: a flag. */
  readonly value?: string;
  readonly summary: string;
  /** The heading it is listed under. */
  readonly group: 'What to do' | 'What to read and write' | 'REST APIs' | 'Output' | 'State';
  readonly choices?: readonly string[];
  /** Reads the value's text; throws `invalid` with a sentence. */
  readonly parse?: (text: string) => unknown;
  /** May be given more than once; values are gathered. */
  readonly repeats?: boolean;
  /** Sets this other option to that value: how `--json` is written for `--format json`. */
  readonly means?: readonly [option: string, value: unknown];
  /** Options it cannot be used along with. */
  readonly conflicts?: readonly string[];
}

/** The values of all options that were given, by name in camelCase. */
export interface Values {
  readonly delete?: boolean;
  readonly dryRun?: boolean;
  readonly maxDeletes?: Guard['maxDeletes'];
  readonly prefer?: 'left' | 'right' | 'newest';
  readonly format?: 'yaml' | 'json';
  readonly schema?: 'hal' | 'simple';
  readonly as?: 'documents' | 'blobs';
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly follow?: 'all' | 'child' | 'page' | 'none';
  readonly limit?: number;
  readonly batchSize?: number;
  readonly maxAttempts?: number;
  readonly timeout?: number;
  readonly concurrency?: number;
  readonly username?: string;
  readonly netrcFile?: string;
  readonly state?: string | false;
  readonly report?: 'json' | 'ndjson';
  readonly summary?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly debug?: boolean;
  readonly color?: boolean;
}

/** A reader of whole numbers from `least` up. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const number = /^\+?\d+$/.test(text) ? Number(text) : NaN;
    if (!Number.isSafeInteger(number) || number < least) throw new SyncError('invalid', `must be a whole number of ${least} or more`);
    return number;
  };
}

function seconds(text: string): number {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(number > 0 && number <= 86_400)) throw new SyncError('invalid', 'must be a number of seconds, more than 0 and at most 86400');
  return number;
}

function maxDeletes(text: string): Guard['maxDeletes'] {
  if (text === 'all') return Infinity;
  const share = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (share !== undefined && Number(share) <= 100) return { share: Number(share) / 100 };
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new SyncError('invalid', 'must be a count such as 20, a share such as 10%, or all');
}

const doing = 'What to do';
const selecting = 'What to read and write';
const rest = 'REST APIs';
const output = 'Output';
const state = 'State';

const all = {
  delete: { name: 'delete', group: doing, summary: 'remove from the destination what the origins do not hold, after everything was read' },
  dryRun: { name: 'dry-run', group: doing, summary: 'print what would be done, and do nothing (exit 0)' },
  maxDeletes: { name: 'max-deletes', group: doing, value: 'N|N%|all', parse: maxDeletes, summary: 'refuse to delete more than this (default 50% of what the destination holds, and never all of it)' },
  mergeDelete: { name: 'delete', group: doing, summary: 'carry deletions across (default)' },
  mergeNoDelete: { name: 'no-delete', group: doing, summary: 'leave what was deleted on one side on the other' },
  prefer: { name: 'prefer', group: doing, value: 'which', choices: ['left', 'right', 'newest'], summary: 'who wins where both sides changed (default newest; where times do not tell, the conflict is reported)' },
  as: { name: 'as', group: selecting, value: 'what', choices: ['documents', 'blobs'], summary: 'treat directories as documents or as plain files (default: plain files between two directories)' },
  include: { name: 'include', group: selecting, value: 'glob', repeats: true, summary: 'only keys that match, as in widget or widget/a* (* ? within a part, ** across parts)' },
  exclude: { name: 'exclude', group: selecting, value: 'glob', repeats: true, summary: 'not the keys that match; wins over --include' },
  schema: { name: 'schema', group: selecting, value: 'name', choices: ['hal', 'simple'], summary: 'how documents name themselves and their parents (default hal)' },
  format: { name: 'format', group: selecting, value: 'name', choices: ['json', 'yaml'], summary: 'the format that is written (default: JSON to REST APIs, else YAML)' },
  json: { name: 'json', short: 'j', group: selecting, means: ['format', 'json'], summary: 'short for --format json' },
  yaml: { name: 'yaml', short: 'y', group: selecting, means: ['format', 'yaml'], summary: 'short for --format yaml' },
  follow: { name: 'follow', group: rest, value: 'links', choices: ['all', 'child', 'page', 'none'], summary: 'which links are followed: next and previous pages; these and child:…; all; or none (default page)' },
  limit: { name: 'limit', group: rest, value: 'N', parse: wholeNumber(1), summary: 'the page size asked of the server (default 100)' },
  batchSize: { name: 'batch-size', group: rest, value: 'N', parse: wholeNumber(1), summary: 'the most resources in one PATCH of a collection (default 1: one PUT each)' },
  maxAttempts: { name: 'max-attempts', group: rest, value: 'N', parse: wholeNumber(1), summary: 'how often a request is tried (default 5)' },
  timeout: { name: 'timeout', group: rest, value: 'seconds', parse: seconds, summary: 'how long to wait for an answer (default 30)' },
  concurrency: { name: 'concurrency', group: rest, value: 'N', parse: wholeNumber(1), summary: 'the most requests under way at once (default 16)' },
  username: { name: 'username', group: rest, value: 'name', summary: 'sign in as this user; the password is asked for, or read from standard input' },
  netrcFile: { name: 'netrc-file', group: rest, value: 'path', summary: 'read user names and passwords per host from this file' },
  state: { name: 'state', group: state, value: 'path', summary: 'where to remember what was synced (default under $XDG_STATE_HOME)' },
  noState: { name: 'no-state', group: state, summary: 'remember nothing' },
  report: { name: 'report', group: output, value: 'format', choices: ['json', 'ndjson'], summary: 'a report for programs on standard output: one object at the end, or one line per event' },
  summary: { name: 'summary', group: output, summary: 'only list the keys, without the changes in each' },
  quiet: { name: 'quiet', short: 'q', group: output, conflicts: ['verbose', 'debug'], summary: 'print errors only' },
  verbose: { name: 'verbose', short: 'v', group: output, summary: 'say more: one line for every request and every write' },
  debug: { name: 'debug', group: output, summary: 'say everything, and where errors come from' },
  noColor: { name: 'no-color', group: output, summary: 'no colours, whatever the terminal can do' },
} as const satisfies { readonly [name: string]: OptionSpec };

/** Options that every command has. */
export const outputOptions: readonly OptionSpec[] = [all.report, all.quiet, all.verbose, all.debug, all.noColor];

/** Options of a command that opens places. */
export const placeOptions: readonly OptionSpec[] = [
  all.as, all.include, all.exclude, all.schema, all.format, all.json, all.yaml,
  all.follow, all.limit, all.batchSize, all.maxAttempts, all.timeout, all.concurrency, all.username, all.netrcFile,
  all.state, all.noState,
];

/** Options of `sync` alone. */
export const syncOptions: readonly OptionSpec[] = [all.delete, all.dryRun, all.maxDeletes];

/** Options of `diff` alone. */
export const diffOptions: readonly OptionSpec[] = [all.delete, all.summary];

/** Options of `merge` alone. */
export const mergeOptions: readonly OptionSpec[] = [all.prefer, all.mergeDelete, all.mergeNoDelete, all.dryRun, all.maxDeletes];
