import { closeSync, openSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Key } from '../../model/key.ts';
import { lookAt } from './facts.ts';
import { codeOf } from './file-error.ts';
import { parentOf, temporaryPrefix } from './paths.ts';

/** Whether the file system takes names that differ only in case for one name. Leaves nothing behind. */
export function ignoresCase(directory: string, host: Host): boolean {
  const path = join(directory, `${temporaryPrefix}case-${host.random().toString(36).slice(2)}`);
  closeSync(openSync(path, 'wx'));
  try {
    return lookAt(join(dirname(path), basename(path).toUpperCase())) !== undefined;
  } finally {
    rmSync(path, { force: true });
  }
}

/**
 * The names in the directories of a tree, found whatever their case and Unicode normal form. For trees where such
 * names are one name, now or when a checkout takes them to another machine.
 */
export class Neighbours {
  readonly #root: string;
  readonly #directories = new Map<Key, Map<string, string>>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Throws `invalid` when a part of `key` is written differently from a name that is already there. */
  check(key: Key): void {
    for (let path = key; path !== ''; path = parentOf(path)) {
      const name = basename(path);
      const taken = this.#names(parentOf(path)).get(fold(name));
      if (taken !== undefined && taken !== name) {
        throw new SyncError('invalid', `${join(this.#root, path)} cannot be kept beside ${join(this.#root, parentOf(path), taken)}: the names differ only in case or normal form`, { key, hint: 'rename one of them' });
      }
    }
  }

  add(key: Key): void {
    for (let path = key; path !== ''; path = parentOf(path)) this.#names(parentOf(path)).set(fold(basename(path)), basename(path));
  }

  remove(key: Key): void {
    this.#names(parentOf(key)).delete(fold(basename(key)));
  }

  /** Everything is asked for again. */
  forget(): void {
    this.#directories.clear();
  }

  #names(directory: Key): Map<string, string> {
    let names = this.#directories.get(directory);
    if (!names) this.#directories.set(directory, (names = new Map(namesIn(join(this.#root, directory)).map((name) => [fold(name), name]))));
    return names;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return [];
    throw cause;
  }
}

function fold(name: string): string {
  return name.normalize('NFC').toUpperCase().toLowerCase();
}
