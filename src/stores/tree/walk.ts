import { opendirSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '../../lib/limits.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { compareKeys } from '../../model/key.ts';
import type { Page, Problem } from '../../model/store.ts';
import { lookAt, statOfFile } from './facts.ts';
import { codeOf, fileError } from './file-error.ts';
import { below, temporaryPrefix } from './paths.ts';

export interface WalkOptions {
  readonly root: string;
  /** How the root is called in messages and places. */
  readonly name: string;
  readonly hidden: 'include' | 'skip';
  readonly host: Host;
  readonly signal?: AbortSignal | undefined;
  /** Told of every file that a dead run may have left behind. */
  readonly onLeftover: (path: string) => void;
}

interface Level {
  /** Empty, or ending with a slash. */
  readonly prefix: string;
  readonly names: readonly string[];
  next: number;
}

/**
 * The files below a root, in key order. Of each directory on the way down the names are held, and nothing else.
 * What cannot be listed is a problem; links and special files are passed over with a warning.
 */
export function* walk(options: WalkOptions): Generator<Page> {
  const { root, name, signal } = options;
  const warnings = new Warnings(options.host);
  let entries: Entry[] = [];
  let problems: Problem[] = [];
  const flush = (): Page => {
    signal?.throwIfAborted();
    const page = problems.length > 0 ? { entries, problems } : { entries };
    [entries, problems] = [[], []];
    return page;
  };

  const levels: Level[] = [{ prefix: '', names: list(options, '', warnings), next: 0 }];
  for (let level = levels.at(-1); level; level = levels.at(-1)) {
    const listed = level.names[level.next++];
    if (listed === undefined) {
      levels.pop();
      continue;
    }
    const key = level.prefix + listed;
    try {
      if (listed.endsWith('/')) levels.push({ prefix: key, names: list(options, key, warnings), next: 0 });
      else {
        const facts = lookAt(below(root, key));
        if (facts?.isFile()) entries.push({ key, place: below(name, key), ...statOfFile(facts) });
        // U+FFFD stands for bytes that are no UTF-8; such a name leads nowhere when it is used.
        else if (!facts && key.includes('\uFFFD')) problems.push({ place: join(name, key), error: new SyncError('invalid', `the name of ${join(name, key)} is not UTF-8`, { hint: 'rename it' }) });
      }
    } catch (cause) {
      if (codeOf(cause) !== 'ENOENT') problems.push({ place: join(name, key), error: fileError(cause, listed.endsWith('/') ? 'list' : 'look at', join(name, key)) });
    }
    if (entries.length + problems.length >= limits.pageEntries) yield flush();
  }
  if (entries.length + problems.length > 0) yield flush();
  warnings.end();
}

/** The names in one directory in key order, those of directories ending with a slash, which is how they take part in the order. */
function list({ root, name, hidden, onLeftover }: WalkOptions, prefix: string, warnings: Warnings): string[] {
  const names: string[] = [];
  const directory = opendirSync(join(root, prefix), { bufferSize: 256 });
  try {
    for (let found = directory.readSync(); found; found = directory.readSync()) {
      if (found.name.startsWith(temporaryPrefix)) onLeftover(join(root, prefix, found.name));
      else if (hidden === 'skip' && found.name.startsWith('.')) continue;
      else if (found.isFile()) names.push(found.name);
      else if (found.isDirectory()) names.push(`${found.name}/`);
      else warnings.add(`${join(name, prefix, found.name)} is ${found.isSymbolicLink() ? 'a symbolic link' : 'neither a file nor a directory'} and is passed over`);
    }
  } finally {
    directory.closeSync();
  }
  return names.sort(compareKeys);
}

/** Passes on the first so many, and at the end the number of the others. */
class Warnings {
  readonly #host: Host;
  #count = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  add(message: string): void {
    if (++this.#count <= limits.listedFailures) this.#host.log('warn', message);
  }

  end(): void {
    const more = this.#count - limits.listedFailures;
    if (more > 0) this.#host.log('warn', `${more} more links and special files are passed over`);
  }
}
