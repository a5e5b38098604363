import type { Guard } from '../core/guard.ts';
import { parseDrop, parseMask, parseRename } from '../core/rules/rules.ts';
import { parseAge } from '../core/selection/age.ts';
import type { Timetable } from '../lib/pace.ts';
import { parseBytes, parseDuration } from '../lib/quantity.ts';
import { SyncError } from '../model/errors.ts';
import type { TimeUnit } from '../stores/records/instants.ts';
import { parseTimetable } from './timed/timetable.ts';

/** One option of the command line. Parsing, help and completion are derived from it. */
export interface OptionSpec {
  /** Without dashes, as in `max-deletes`; `no-x` takes back what `x` gives. */
  readonly name: string;
  readonly short?: string;
  /** What stands for the value in help. Absent: a flag. */
  readonly value?: string;
  readonly summary: string;
  /** The heading it is listed under. */
  readonly group: 'What to do' | 'What counts as a difference' | 'How to move it' | 'What to read and write' | 'REST APIs' | 'Watching' | 'Output' | 'State';
  readonly choices?: readonly string[];
  /** Reads the value's text; throws `invalid` with a sentence. */
  readonly parse?: (text: string) => unknown;
  /** May be given more than once; values are gathered. */
  readonly repeats?: boolean;
  /** Sets this other option to that value: how `--json` is written for `--format json`. */
  readonly means?: readonly [option: string, value: unknown];
  /** Gives its value to this one, by its name in {@link Values}: another spelling of it. */
  readonly sets?: keyof Values;
  /** Options it cannot be used along with, by their names in {@link Values}. */
  readonly conflicts?: readonly string[];
}

/** The values of all options that were given, by name in camelCase. */
export interface Values {
  readonly delete?: boolean;
  readonly dryRun?: boolean;
  readonly maxDeletes?: Guard['maxDeletes'];
  readonly checksum?: boolean;
  readonly sizeOnly?: boolean;
  readonly ignoreTimes?: boolean;
  readonly update?: boolean;
  readonly ignoreExisting?: boolean;
  readonly immutable?: boolean;
  readonly backupDir?: string;
  readonly objectRule?: readonly string[];
  readonly objectRules?: readonly string[];
  readonly bandwidth?: Timetable;
  readonly maxTransfer?: number;
  readonly maxDuration?: number;
  readonly watch?: boolean;
  /** Milliseconds. */
  readonly fullEvery?: number;
  /** Milliseconds. */
  readonly pollEvery?: number;
  readonly health?: string;
  readonly metrics?: string;
  readonly prefer?: 'left' | 'right' | 'newest';
  readonly newest?: boolean;
  readonly deleted?: string;
  /** Milliseconds. */
  readonly tombstonesFor?: number;
  readonly full?: boolean;
  readonly retryQuarantined?: boolean;
  /** The beginning of the ID of a pair. */
  readonly of?: string;
  readonly all?: boolean;
  /** As written, like what follows: only who needs a time reads it. */
  readonly from?: string;
  readonly until?: string;
  /** Milliseconds. */
  readonly overlap?: number;
  /** Milliseconds. */
  readonly every?: number;
  readonly modified?: string;
  readonly modifiedUnit?: TimeUnit;
  readonly format?: 'yaml' | 'json';
  readonly schema?: 'hal' | 'simple';
  readonly as?: 'documents' | 'blobs';
  readonly links?: 'skip' | 'follow' | 'keep';
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly rules?: readonly string[];
  readonly filesFrom?: readonly string[];
  readonly filterRegexp?: readonly string[];
  readonly excludeRegexp?: readonly string[];
  /** As written, like what follows: it is shown again by `--explain`. */
  readonly minSize?: string;
  readonly maxSize?: string;
  readonly minAge?: string;
  readonly maxAge?: string;
  readonly explain?: boolean;
  readonly swap?: boolean;
  readonly rename?: readonly string[];
  readonly drop?: readonly string[];
  readonly mask?: readonly string[];
  readonly maskKeyFile?: string;
  readonly address?: string;
  readonly follow?: 'all' | 'child' | 'page' | 'none';
  readonly limit?: number;
  readonly batchSize?: number;
  readonly maxAttempts?: number;
  readonly timeout?: number;
  readonly concurrency?: number;
  readonly maxMemory?: number;
  readonly username?: string;
  readonly netrcFile?: string;
  readonly rangeDigests?: false;
  readonly create?: false;
  readonly repair?: boolean;
  readonly state?: string | false;
  readonly report?: 'json' | 'ndjson';
  readonly summary?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly debug?: boolean;
  readonly color?: boolean;
  readonly config?: string;
  readonly scheduled?: boolean;
  readonly last?: number;
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

function bytes(text: string): number {
  const found = parseBytes(text);
  if (found === undefined) throw new SyncError('invalid', 'must be a number of bytes such as 1048576, 512k or 10G');
  return found;
}

/** Two parts of an upload, of the usual size. */
const leastMemory = 16 * 1024 * 1024;

function memory(text: string): number {
  const size = bytes(text);
  if (size < leastMemory) throw new SyncError('invalid', 'must be 16M or more');
  return size;
}

function duration(text: string): number {
  const found = parseDuration(text);
  if (found === undefined || found === 0) throw new SyncError('invalid', 'must be a time such as 90s, 30m or 1h30m');
  return found;
}

function overlap(text: string): number {
  const found = parseDuration(text);
  if (found === undefined) throw new SyncError('invalid', 'must be a time such as 60s, 5m or 0');
  return found;
}

/** Keeps a size as it was written, when it can be read. */
function sizeText(text: string): string {
  bytes(text);
  return text;
}

function ageText(text: string): string {
  if (parseAge(text) === undefined) throw new SyncError('invalid', 'must be an age such as 90s, 2h, 7d, 3M or 1y, or a date such as 2026-01-31');
  return text;
}

/** Keeps a rule as it was written, when it can be read. */
function ruleText(parse: (text: string) => unknown): (text: string) => string {
  return (text) => {
    parse(text);
    return text;
  };
}

const doing = 'What to do';
const moving = 'How to move it';
const comparing = 'What counts as a difference';
const selecting = 'What to read and write';
const rest = 'REST APIs';
const watching = 'Watching';
const output = 'Output';
const state = 'State';

const all = {
  delete: { name: 'delete', group: doing, summary: 'remove from the destination what the origins do not hold, after everything was read' },
  dryRun: { name: 'dry-run', group: doing, summary: 'print what would be done, and do nothing (exit 0)' },
  maxDeletes: { name: 'max-deletes', group: doing, value: 'N|N%|all', parse: maxDeletes, summary: 'refuse to delete more than this (default 50% of what the destination holds, and never all of it)' },
  maxDelete: { name: 'max-delete', group: doing, value: 'N|N%|all', parse: maxDeletes, sets: 'maxDeletes', summary: 'the same as --max-deletes' },
  repair: { name: 'repair', group: doing, summary: 'write to the last place what differs there, and read that again; nothing is deleted without --delete' },
  bandwidth: { name: 'bandwidth', group: moving, value: 'rate', parse: parseTimetable, summary: 'send no more bytes of files a second than this, as in 512k or "08:00,512k 19:00,off"' },
  objectRule: { name: 'object-rule', group: moving, value: 'rule', repeats: true, summary: 'how objects are kept in a bucket, as in "*.html: cache-control=no-cache, acl=public-read"; of those that match, the first that names a property decides it' },
  objectRules: { name: 'object-rules', group: moving, value: 'file', repeats: true, summary: 'more such rules, one on each line, after those of --object-rule' },
  maxTransfer: { name: 'max-transfer', group: moving, value: 'size', parse: bytes, summary: 'begin nothing more when so many bytes of files were sent, as in 10G' },
  maxDuration: { name: 'max-duration', group: moving, value: 'time', parse: duration, summary: 'begin nothing more after this time, as in 90m' },
  swap: { name: 'swap', group: doing, conflicts: ['watch', 'backupDir', 'from', 'until', 'sizeOnly', 'ignoreTimes', 'update', 'ignoreExisting', 'immutable', 'maxTransfer', 'maxDuration', 'explain'], summary: 'load everything into fresh tables or indices, compare them with the origins, and put them in place at once; what the origins do not hold is gone then, under --max-deletes' },
  backupDir: { name: 'backup-dir', group: doing, value: 'place', summary: 'copy what is replaced or deleted to this place first, and leave it alone where that fails' },
  checksum: { name: 'checksum', short: 'c', group: comparing, conflicts: ['sizeOnly', 'ignoreTimes'], summary: 'compare what entries hold, even where size and time are the same' },
  sizeOnly: { name: 'size-only', group: comparing, conflicts: ['ignoreTimes'], summary: 'take entries of one size for equal' },
  ignoreTimes: { name: 'ignore-times', group: comparing, summary: 'take no two entries for equal: write everything again' },
  update: { name: 'update', short: 'u', group: comparing, conflicts: ['ignoreExisting', 'immutable'], summary: 'leave alone what is newer at the destination' },
  ignoreExisting: { name: 'ignore-existing', group: comparing, conflicts: ['immutable'], summary: 'only write what the destination does not hold' },
  immutable: { name: 'immutable', group: comparing, summary: 'replace nothing: what the destination holds with another content is a failure' },
  watch: { name: 'watch', short: 'w', group: watching, conflicts: ['dryRun', 'ignoreTimes', 'maxTransfer', 'maxDuration'], summary: 'go on until interrupted: what changes in an origin is written within a moment' },
  fullEvery: { name: 'full-every', group: watching, value: 'time', parse: duration, summary: 'look at everything this often, whatever was told of changes (default 10m)' },
  pollEvery: { name: 'poll-every', group: watching, value: 'time', parse: duration, summary: 'look at everything this often where an origin cannot tell of its changes (default 30s)' },
  health: { name: 'health', group: watching, value: 'path', summary: 'a JSON file that says after every run how things stand' },
  metrics: { name: 'metrics', group: watching, value: 'path|[host:]port', summary: 'counters as Prometheus reads them: a file that is replaced after every run, or a port (on this machine alone where no host is named)' },
  mergeDelete: { name: 'delete', group: doing, summary: 'carry deletions across (default; with --newest: also those that nobody tells of, for which every run looks at everything)' },
  mergeNoDelete: { name: 'no-delete', group: doing, summary: 'leave what was deleted on one side on the other' },
  prefer: { name: 'prefer', group: doing, value: 'which', choices: ['left', 'right', 'newest'], summary: 'who wins where both sides changed (default newest; where times do not tell, the conflict is reported)' },
  newest: { name: 'newest', group: doing, conflicts: ['prefer'], summary: 'the later version of every entry wins, by its time and whatever was agreed on before; what one side lacks is written there, and deleted is what a tombstone says was deleted; the rest takes --delete' },
  full: { name: 'full', group: doing, summary: 'with --newest: look at everything, not only at what has come since the last run' },
  retryQuarantined: { name: 'retry-quarantined', group: doing, summary: 'try all records again that are in quarantine, whether they have changed or not (see syncline quarantine; of a merge, with --newest)' },
  from: { name: 'from', group: selecting, value: 'time', summary: 'only what was modified after this: a date and time such as 2015-01-31T10:20:30Z, or seconds since 1970' },
  until: { name: 'until', group: selecting, value: 'time', summary: 'only what was not modified after this' },
  overlap: { name: 'overlap', group: selecting, value: 'time', parse: overlap, summary: 'with --newest: begin this long before the last run ended, for what became visible late (default 60s)' },
  every: { name: 'every', group: watching, value: 'time', parse: duration, conflicts: ['watch', 'dryRun'], summary: 'run again and again, so much apart, until interrupted; never two runs at once' },
  modified: { name: 'modified', group: selecting, value: 'field', summary: 'the field of a document that says when it was last modified' },
  modifiedUnit: { name: 'modified-unit', group: selecting, value: 'unit', choices: ['seconds', 'milliseconds', 'microseconds'], summary: 'what a number in that field counts, from the beginning of 1970' },
  deleted: { name: 'deleted', group: selecting, value: 'field', summary: 'the field of a document that says that it is deleted: when it was, or true; such a document stays where it is, and is deleted elsewhere' },
  tombstonesFor: { name: 'tombstones-for', group: state, value: 'time', parse: duration, summary: 'with --newest: remember deletions for so long, so that nothing older comes back (default 90d)' },
  as: { name: 'as', group: selecting, value: 'what', choices: ['documents', 'blobs'], summary: 'treat directories as documents or as plain files (default: plain files between two directories)' },
  include: { name: 'include', group: selecting, value: 'glob', repeats: true, summary: 'only keys that match, as in widget or widget/a* (* ? within a part, ** across parts)' },
  exclude: { name: 'exclude', group: selecting, value: 'glob', repeats: true, summary: 'not the keys that match; wins over --include' },
  rules: { name: 'rules', group: selecting, value: 'file', repeats: true, summary: 'decide by the first line that matches, as in "- *.tmp" or "+ /docs/**" ("!" forgets the lines before it)' },
  filesFrom: { name: 'files-from', group: selecting, value: 'file', repeats: true, summary: 'only the keys in this file, one on each line' },
  filterRegexp: { name: 'filter-regexp', group: selecting, value: 'regexp', repeats: true, summary: 'only keys in which this is found (RE2 syntax: no references back, no looking ahead)' },
  excludeRegexp: { name: 'exclude-regexp', group: selecting, value: 'regexp', repeats: true, summary: 'not the keys in which this is found; wins over --filter-regexp' },
  minSize: { name: 'min-size', group: selecting, value: 'size', parse: sizeText, summary: 'only what has so many bytes or more, as in 1k, 5M or 1Gi; what is left out is left alone on both sides' },
  maxSize: { name: 'max-size', group: selecting, value: 'size', parse: sizeText, summary: 'only what has so many bytes or fewer' },
  minAge: { name: 'min-age', group: selecting, value: 'age', parse: ageText, summary: 'only what was not modified since, as in 90s, 2h, 7d, 3M, 1y or 2026-01-31' },
  maxAge: { name: 'max-age', group: selecting, value: 'age', parse: ageText, summary: 'only what was modified since' },
  explain: { name: 'explain', group: doing, conflicts: ['dryRun', 'watch'], summary: 'print which key each entry gets, or which rule leaves it out, and do nothing; the destination is not looked at' },
  links: { name: 'links', group: selecting, value: 'how', choices: ['skip', 'follow', 'keep'], summary: 'what symbolic links in a directory are: passed over (default), what they lead to, or links' },
  schema: { name: 'schema', group: selecting, value: 'name', choices: ['hal', 'simple'], summary: 'how documents name themselves and their parents (default hal)' },
  format: { name: 'format', group: selecting, value: 'name', choices: ['json', 'yaml'], summary: 'the format that is written (default: JSON to REST APIs, else YAML)' },
  json: { name: 'json', short: 'j', group: selecting, means: ['format', 'json'], summary: 'short for --format json' },
  yaml: { name: 'yaml', short: 'y', group: selecting, means: ['format', 'yaml'], summary: 'short for --format yaml' },
  rename: { name: 'rename', group: selecting, value: 'rule', repeats: true, parse: ruleText(parseRename), summary: 'what something of the left side is called on the right: orders=purchases for a collection, orders.state=status for a field' },
  drop: { name: 'drop', group: selecting, value: 'field', repeats: true, parse: ruleText(parseDrop), summary: 'a field that does not come across, as in orders.notes, *.password or orders.address.street; in a merge each side keeps its own' },
  mask: { name: 'mask', group: selecting, value: 'rule', repeats: true, parse: ruleText(parseMask), summary: 'a field that comes across unreadable, as in customers.email=hash: hash (with a key), redact, or last4' },
  maskKeyFile: { name: 'mask-key-file', group: selecting, value: 'path', summary: 'the file whose first line is the key to hash with (default $SYNCLINE_MASK_KEY)' },
  address: { name: 'address', group: rest, value: 'pattern', summary: 'where an API has the resources that carry no links, as in /api/{collection}/{id}, or by several fields, as in /orders/{customer}/{number}' },
  follow: { name: 'follow', group: rest, value: 'links', choices: ['all', 'child', 'page', 'none'], summary: 'which links are followed: next and previous pages, also by the header Link; these and child:…; all; or none (default page)' },
  limit: { name: 'limit', group: rest, value: 'N', parse: wholeNumber(1), summary: 'the page size asked of the server (default 100)' },
  batchSize: { name: 'batch-size', group: rest, value: 'N', parse: wholeNumber(1), summary: 'the most resources in one PATCH of a collection (default 1: one PUT each)' },
  maxAttempts: { name: 'max-attempts', group: moving, value: 'N', parse: wholeNumber(1), summary: 'how often a request is tried (default 5)' },
  timeout: { name: 'timeout', group: moving, value: 'seconds', parse: seconds, summary: 'how long to wait for an answer (default 30)' },
  concurrency: { name: 'concurrency', group: moving, value: 'N', parse: wholeNumber(1), summary: 'the most requests under way at once (default 16; for a bucket at most 64, tuned by how it answers)' },
  maxMemory: { name: 'max-memory', group: moving, value: 'size', parse: memory, summary: 'hold no more of files and entries than this at once, beside what the program itself takes (at least 16M; by default uploads to a bucket may hold 32M)' },
  noCreate: { name: 'no-create', group: doing, summary: 'make no table and no index that is missing: what was to go there fails' },
  noRangeDigests: { name: 'no-range-digests', group: moving, summary: 'read both sides, even where two databases can tell by digests which ranges of their rows are equal' },
  username: { name: 'username', group: rest, value: 'name', summary: 'sign in as this user; the password is asked for, or read from standard input' },
  netrcFile: { name: 'netrc-file', group: rest, value: 'path', summary: 'read user names and passwords per host from this file' },
  state: { name: 'state', group: state, value: 'path', summary: 'where to remember what was synced (default under $XDG_STATE_HOME)' },
  noState: { name: 'no-state', group: state, summary: 'remember nothing' },
  report: { name: 'report', group: output, value: 'format', choices: ['json', 'ndjson'], summary: 'a report for programs on standard output: one object at the end, or one line per event' },
  summary: { name: 'summary', group: output, summary: 'only list the keys, without the changes in each' },
  quiet: { name: 'quiet', short: 'q', group: output, conflicts: ['verbose', 'debug'], summary: 'print errors only' },
  verbose: { name: 'verbose', short: 'v', group: output, summary: 'say more: one line for every request and every write' },
  debug: { name: 'debug', group: output, summary: 'say everything, and where errors come from' },
  config: { name: 'config', group: doing, value: 'file', summary: 'the file that names the syncs (default syncline.yaml)' },
  scheduled: { name: 'scheduled', group: doing, conflicts: ['dryRun'], summary: 'run each at its times (every, cron) until interrupted; what was missed is run once' },
  last: { name: 'last', group: output, value: 'N', parse: wholeNumber(1), summary: 'how many runs (default 20)' },
  of: { name: 'of', group: state, value: 'ID', summary: 'only of this pair, by its ID as listed or the beginning of it' },
  all: { name: 'all', group: doing, summary: 'forget everything' },
  noColor: { name: 'no-color', group: output, summary: 'no colours, whatever the terminal can do' },
} as const satisfies { readonly [name: string]: OptionSpec };

/** Options that every command has. */
export const outputOptions: readonly OptionSpec[] = [all.report, all.quiet, all.verbose, all.debug, all.noColor];

/** Options of a command that looks only at what is remembered. */
export const stateOptions: readonly OptionSpec[] = [all.state];

/** Options of `quarantine` alone. */
export const quarantineOptions: readonly OptionSpec[] = [all.all, all.of, all.state];

/** Options of `run` alone. */
export const runOptions: readonly OptionSpec[] = [all.config, all.scheduled, all.retryQuarantined, all.dryRun, all.health, all.metrics, all.state];

/** Options of `history` alone. */
export const historyOptions: readonly OptionSpec[] = [all.last, all.config, all.state];

/** Options of a command that opens places. */
export const placeOptions: readonly OptionSpec[] = [
  all.as, all.links, all.include, all.exclude, all.rules, all.filesFrom, all.filterRegexp, all.excludeRegexp, all.minSize, all.maxSize, all.minAge, all.maxAge, all.schema, all.format, all.json, all.yaml,
  all.modified, all.modifiedUnit, all.deleted,
  all.rename, all.drop, all.mask, all.maskKeyFile,
  all.address, all.follow, all.limit, all.batchSize, all.maxAttempts, all.timeout, all.concurrency, all.maxMemory,
  all.noCreate, all.noRangeDigests,
  all.username, all.netrcFile,
  all.state, all.noState,
];

/** Options of `sync` alone. */
export const syncOptions: readonly OptionSpec[] = [all.delete, all.dryRun, all.retryQuarantined, all.from, all.until, all.explain, all.maxDeletes, all.maxDelete, all.swap, all.backupDir, all.objectRule, all.objectRules, ...comparingOptions(), all.bandwidth, all.maxTransfer, all.maxDuration, all.every, all.watch, all.fullEvery, all.pollEvery, all.health, all.metrics];

/** Options of `diff` alone. */
export const diffOptions: readonly OptionSpec[] = [all.delete, all.summary, all.from, all.until, ...comparingOptions()];

/** Options of `verify` alone. */
export const verifyOptions: readonly OptionSpec[] = [all.repair, all.delete, all.maxDeletes, all.maxDelete, all.from, all.until];

/** Options of `merge` alone. */
export const mergeOptions: readonly OptionSpec[] = [all.newest, all.prefer, all.full, all.retryQuarantined, all.from, all.until, all.overlap, all.tombstonesFor, all.every, all.mergeDelete, all.mergeNoDelete, all.dryRun, all.maxDeletes, all.maxDelete, all.objectRule, all.objectRules, all.watch, all.fullEvery, all.pollEvery, all.health, all.metrics];

function comparingOptions(): readonly OptionSpec[] {
  return [all.checksum, all.sizeOnly, all.ignoreTimes, all.update, all.ignoreExisting, all.immutable];
}
