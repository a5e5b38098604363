import { opendirSync, readdirSync, statSync } from 'node:fs';
import type { BigIntStats, Dirent } from 'node:fs';
import { join } from 'node:path';
import { limits } from '../../lib/limits.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { compareKeys } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import type { Page, Problem } from '../../model/store.ts';
import { lookAt, statOfFile } from './facts.ts';
import { codeOf, fileError } from './file-error.ts';
import { directoriesTo, factsAt, isEntry, kindOf } from './links.ts';
import type { Links } from './links.ts';
import { outermost } from './outermost.ts';
import { PassedOver } from './passed-over.ts';
import { below, flawOf, isHidden, parentOf, Parents, temporaryPrefix } from './paths.ts';

export interface WalkOptions {
  /** The root, without links. */
  readonly root: string;
  /** How the root is called in messages and places. */
  readonly name: string;
  readonly hidden: 'include' | 'skip';
  readonly links: Links;
  /** Only these and what is below them, each as it is found, or nothing where there is nothing. Absent: all. */
  readonly under?: readonly Key[] | undefined;
  readonly host: Host;
  readonly signal?: AbortSignal | undefined;
  /** Told of every file that a dead run may have left behind. */
  readonly onLeftover: (path: string) => void;
}

interface Level {
  /** Empty, or ending with a slash. */
  readonly prefix: string;
  /** In key order; those of directories end with a slash, which is how they take part in the order. */
  readonly names: readonly string[];
  next: number;
}

/**
 * The files below a root, in key order. Of each directory on the way down the names are held, and nothing else.
 * What cannot be listed is a problem; links that take no part and special files are passed over with a warning.
 */
export function* walk(options: WalkOptions): Generator<Page> {
  const { root, name, links, under, signal } = options;
  const passedOver = new PassedOver(options.host);
  let entries: Entry[] = [];
  let problems: Problem[] = [];
  const flush = (): Page => {
    signal?.throwIfAborted();
    const page = problems.length > 0 ? { entries, problems } : { entries };
    [entries, problems] = [[], []];
    return page;
  };
  const fail = (key: Key, cause: unknown, doing: string): void => {
    if (codeOf(cause) !== 'ENOENT') problems.push({ place: join(name, key), error: fileError(cause, doing, join(name, key)) });
  };

  const whole = under === undefined || under.includes('');
  const levels: Level[] = [{ prefix: '', names: whole ? list(options, '', passedOver) : named(options, under, passedOver, fail), next: 0 }];
  for (let level = levels.at(-1); level; level = levels.at(-1)) {
    const listed = level.names[level.next++];
    if (listed === undefined) {
      levels.pop();
      continue;
    }
    const key = level.prefix + listed;
    try {
      if (listed.endsWith('/')) levels.push({ prefix: key, names: list(options, key, passedOver), next: 0 });
      else {
        const facts = factsAt(below(root, key), links);
        if (facts && isEntry(facts, links)) entries.push(entryOf(key, below(name, key), facts));
        // U+FFFD stands for bytes that are no UTF-8; such a name leads nowhere when it is used.
        else if (!facts && key.includes('\uFFFD')) problems.push(misnamed(join(name, key)));
      }
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT' && listed.includes('\uFFFD') && !lookAt(join(root, key))) problems.push(misnamed(join(name, key)));
      else fail(key, cause, listed.endsWith('/') ? 'list' : 'look at');
    }
    if (entries.length + problems.length >= limits.pageEntries) yield flush();
  }
  if (entries.length + problems.length > 0) yield flush();
  passedOver.end();
}

function entryOf(key: Key, place: string, facts: BigIntStats): Entry {
  return facts.isSymbolicLink() ? { key, place, ...statOfFile(facts), attributes: { link: true } } : { key, place, ...statOfFile(facts) };
}

function misnamed(place: string): Problem {
  return { place, error: new SyncError('invalid', `the name of ${place} is not UTF-8`, { hint: 'rename it' }) };
}

/** What there is of the keys a walk is narrowed to, as names below the root. */
function named({ root, name, hidden, links }: WalkOptions, under: readonly Key[], passedOver: PassedOver, fail: (key: Key, cause: unknown, doing: string) => void): string[] {
  const parents = new Parents(root);
  const names: string[] = [];
  for (const key of outermost(under)) {
    if (flawOf(key) !== undefined || (hidden === 'skip' && isHidden(key))) continue;
    try {
      const above = parents.above(key);
      if (above !== 'directory' && !(above === 'link' && links === 'follow' && directoriesTo(root, parentOf(key)))) continue;
      const found = lookAt(below(root, key));
      if (!found) continue;
      const kind = kindOf(found, root, key, links);
      if (kind === 'file') names.push(key);
      else if (kind === 'directory') names.push(`${key}/`);
      else passedOver.add(kind, join(name, key));
    } catch (cause) {
      fail(key, cause, 'look at');
    }
  }
  return names.sort(compareKeys);
}

/** The names in one directory. */
function list({ root, name, hidden, links, onLeftover }: WalkOptions, prefix: string, passedOver: PassedOver): string[] {
  const names: string[] = [];
  for (const found of entriesIn(join(root, prefix))) {
    if (found.name.startsWith(temporaryPrefix)) onLeftover(join(root, prefix, found.name));
    else if (hidden === 'skip' && found.name.startsWith('.')) continue;
    else if (found.isFile()) names.push(found.name);
    else if (found.isDirectory()) names.push(`${found.name}/`);
    else {
      const kind = kindOf(found, root, prefix + found.name, links);
      if (kind === 'file') names.push(found.name);
      else if (kind === 'directory') names.push(`${found.name}/`);
      else passedOver.add(kind, join(name, prefix + found.name));
    }
  }
  return names.sort(compareKeys);
}

/** Bytes that the file system needs for a directory whose entries are too many to be in memory at once, beside their names. */
const hugeDirectory = 1024 * 1024;

function entriesIn(path: string): Iterable<Dirent> {
  return statSync(path).size < hugeDirectory ? readdirSync(path, { withFileTypes: true }) : entriesOneByOne(path);
}

/** The same with hardly any memory, and for several times the effort. */
function* entriesOneByOne(path: string): Generator<Dirent> {
  const directory = opendirSync(path, { bufferSize: 256 });
  try {
    for (let found = directory.readSync(); found; found = directory.readSync()) yield found;
  } finally {
    directory.closeSync();
  }
}
