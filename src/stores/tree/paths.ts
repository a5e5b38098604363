import { mkdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import { codeOf } from './file-error.ts';
import { lookAt } from './facts.ts';

/** What the names of files being written begin with: never an entry, and reserved. */
export const temporaryPrefix = '.syncline-';

/** What stands where a directory is needed. */
export type Standing = 'directory' | 'missing' | 'link' | 'file';

// What Windows refuses or takes for something else: streams, devices, and names whose last dot or space it drops.
const unusableOnWindows = /[\\:*?"<>|\u0000-\u001f]|[. ]$|^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;

/** Why `key` cannot be a path below a root, as the end of a sentence; `undefined` when it can. */
export function flawOf(key: Key): string | undefined {
  if (key === '') return 'it is empty';
  if (!key.isWellFormed()) return 'it is not well-formed Unicode';
  if (key.includes('\0')) return 'it holds a NUL character';
  if (key.startsWith('/')) return 'it is an absolute path';
  for (const part of key.split('/')) {
    if (part === '' || part === '.' || part === '..') return `it has the part ${JSON.stringify(part)}`;
    if (part.startsWith(temporaryPrefix)) return `names that begin with ${temporaryPrefix} are kept for files being written`;
    if (sep === '\\' && unusableOnWindows.test(part)) return `Windows does not take the name ${JSON.stringify(part)}`;
  }
  return undefined;
}

/**
 * The directories of one call, each looked at once. What is remembered may be outdated by the next call, so each
 * call makes its own.
 */
export class Parents {
  readonly #root: string;
  readonly #standings = new Map<Key, Standing>();
  /** The directories in which directories were made. */
  readonly grown: Set<Key> = new Set<Key>();

  constructor(root: string) {
    this.#root = root;
  }

  /** What stands at the directory an entry is in; for a path of several parts, the first that is no directory. */
  above(key: Key): Standing {
    return this.#standing(parentOf(key));
  }

  /** Makes the directories above an entry. Throws where something else is in the way. */
  make(key: Key): void {
    const parent = parentOf(key);
    if (this.#standing(parent) === 'directory') return;
    if (parent === '') makeAll(this.#root);
    else {
      this.make(parent);
      try {
        mkdirSync(join(this.#root, parent));
        this.grown.add(parentOf(parent));
      } catch (cause) {
        if (codeOf(cause) !== 'EEXIST') throw cause;
      }
    }
    this.#standings.delete(parent);
    const standing = this.#standing(parent);
    if (standing !== 'directory') throw obstructed(join(this.#root, parent), standing);
  }

  /** To be called when a directory was or may have been removed. */
  forget(): void {
    this.#standings.clear();
  }

  #standing(directory: Key): Standing {
    const known = this.#standings.get(directory);
    if (known !== undefined) return known;
    const above = directory === '' ? 'directory' : this.#standing(parentOf(directory));
    const standing = above === 'directory' ? standingOf(join(this.#root, directory)) : above;
    this.#standings.set(directory, standing);
    return standing;
  }
}

function standingOf(path: string): Standing {
  const facts = lookAt(path);
  if (!facts) return 'missing';
  return facts.isDirectory() ? 'directory' : facts.isSymbolicLink() ? 'link' : 'file';
}

/** The refusal to go through `path`. */
export function obstructed(path: string, standing: Standing): SyncError {
  return standing === 'link'
    ? new SyncError('invalid', `${path} is a symbolic link, and links are not followed out of or within a tree`, { hint: 'replace it by the directory it leads to' })
    : new SyncError('invalid', `${path} is a file where a directory is needed`, { hint: 'move the file away' });
}

/** The path of `key` below a directory. What `join` would do more, a checked key does not need, and it is asked for each file. */
export function below(directory: string, key: Key): string {
  return directory === '.' ? key : directory.endsWith('/') ? directory + key : `${directory}/${key}`;
}

/** Whether the file or a directory it is in begins with a dot. */
export function isHidden(key: Key): boolean {
  return key.startsWith('.') || key.includes('/.');
}

/** The directory part of a key; empty for one at the top. */
export function parentOf(key: Key): Key {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')));
}

/**
 * The one spelling of `path` that every other leads to: absolute, links followed, in the case the file system keeps.
 * What does not exist yet is added to what does.
 */
export function canonicalPath(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync.native(absolute);
  } catch {
    const above = dirname(absolute);
    return above === absolute ? absolute : join(canonicalPath(above), basename(absolute));
  }
}

/** Makes a directory and those above it, one by one: asked for all of them at once, the system does not say why it cannot. */
function makeAll(path: string): void {
  try {
    mkdirSync(path);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' && dirname(path) !== path) {
      makeAll(dirname(path));
      mkdirSync(path);
    } else if (codeOf(cause) !== 'EEXIST' && !statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw cause;
  }
}

/** Whether something is at `path`, links followed: a file, a directory or something else. */
export function kindAt(path: string): 'file' | 'directory' | 'other' | undefined {
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts && (facts.isDirectory() ? 'directory' : facts.isFile() ? 'file' : 'other');
}
