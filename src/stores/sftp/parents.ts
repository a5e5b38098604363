import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import { parentOf } from '../tree/paths.ts';
import type { Standing } from '../tree/paths.ts';
import type { Connection } from './connection.ts';
import { isFailure, isMissing } from './failure.ts';
import type { Place } from './place.ts';
import { lookAt, lookBehind, makeDirectory } from './remote.ts';

/** The directories of one call, each looked at once. What is remembered may be outdated by the next call, so each call makes its own. */
export class Parents {
  readonly #place: Place;
  readonly #standings = new Map<Key, Promise<Standing>>();

  constructor(place: Place) {
    this.#place = place;
  }

  /** What stands at the directory an entry is in; for a path of several parts, the first that is no directory. */
  above(connection: Connection, key: Key): Promise<Standing> {
    return this.#standing(connection, parentOf(key));
  }

  /** Makes the directories above an entry. Throws where something else is in the way. */
  async make(connection: Connection, key: Key): Promise<void> {
    const parent = parentOf(key);
    if (await this.#standing(connection, parent) === 'directory') return;
    if (parent === '') await makeAll(connection, await this.#place.root(connection));
    else {
      await this.make(connection, parent);
      await makeOne(connection, await this.#place.pathOf(connection, parent));
    }
    this.#standings.delete(parent);
    const standing = await this.#standing(connection, parent);
    if (standing !== 'directory') throw obstructed(this.#place.shown(parent), standing);
  }

  /** To be called when a directory was or may have been removed. */
  forget(): void {
    this.#standings.clear();
  }

  #standing(connection: Connection, directory: Key): Promise<Standing> {
    const known = this.#standings.get(directory);
    if (known !== undefined) return known;
    const standing = this.#look(connection, directory);
    this.#standings.set(directory, standing);
    // What could not be found out is asked for again.
    standing.catch(() => this.#standings.delete(directory));
    return standing;
  }

  async #look(connection: Connection, directory: Key): Promise<Standing> {
    if (directory !== '') {
      const above = await this.#standing(connection, parentOf(directory));
      if (above !== 'directory') return above;
    }
    const path = directory === '' ? await this.#place.root(connection) : await this.#place.pathOf(connection, directory);
    // The root itself was named by whoever runs this, and may be a link.
    const facts = directory === '' ? await lookBehind(connection, path) : await lookAt(connection, path);
    if (!facts) return 'missing';
    return facts.kind === 'directory' ? 'directory' : facts.kind === 'link' ? 'link' : 'file';
  }
}

/** The refusal to go through `place`. */
export function obstructed(place: string, standing: Standing): SyncError {
  return standing === 'link'
    ? new SyncError('invalid', `${place} is a symbolic link, and nothing is written through one`, { hint: 'replace it by the directory it leads to' })
    : new SyncError('invalid', `${place} is a file where a directory is needed`, { hint: 'move the file away' });
}

/** Makes a directory that may be there by now. */
async function makeOne(connection: Connection, path: string): Promise<void> {
  try {
    await makeDirectory(connection, path);
  } catch (cause) {
    // The protocol has no word for a name that is taken.
    if (isFailure(cause) && await lookAt(connection, path)) return;
    throw cause;
  }
}

/** Makes a directory and all above it that are not there. */
async function makeAll(connection: Connection, path: string): Promise<void> {
  try {
    await makeOne(connection, path);
  } catch (cause) {
    const above = path.slice(0, path.lastIndexOf('/'));
    if (!isMissing(cause) || above === '') throw cause;
    await makeAll(connection, above);
    await makeOne(connection, path);
  }
}
