import { createHash } from 'node:crypto';
import type { Host } from '../../model/host.ts';
import type { Key } from '../../model/key.ts';
import { below, parentOf, temporaryPrefix } from '../tree/paths.ts';
import type { Connection } from './connection.ts';
import { isFailure, Refusal } from './failure.ts';
import type { Facts } from './facts.ts';
import type { Flow } from './flow.ts';
import type { Place } from './place.ts';
import { close, forceToDisk, link, lookAt, lookAtOpen, open, remove, rename, replace, setOpen, write } from './remote.ts';
import type { Handle } from './remote.ts';

/** The most bytes in one request. */
const chunkBytes = 128 * 1024;

/** What a file is to be beside its content. */
export interface FileFacts {
  readonly mode?: number | undefined;
  /** Seconds since the Unix epoch. */
  readonly modified?: number | undefined;
  /** Whether it is to be on the disk of the server before it counts as written. */
  readonly durable: boolean;
}

/**
 * A file being written beside the one it is to become, so that whoever reads that one sees all of the old content or
 * all of the new, also when the connection is lost. One that was not put in place is to be dropped.
 */
export class Draft {
  readonly path: string;
  readonly #connection: Connection;
  readonly #flow: Flow;
  readonly #handle: Handle;
  readonly #hash = createHash('sha256');
  readonly #writing = new Set<Promise<void>>();
  #error: unknown;
  #isOpen = true;
  #isPlaced = false;
  #underWay = 0;
  size = 0;

  private constructor(connection: Connection, flow: Flow, path: string, handle: Handle) {
    this.#flow = flow;
    this.#connection = connection;
    this.path = path;
    this.#handle = handle;
  }

  /** Rejects with what the server says, as do all methods. `closed`: nobody else may read it before {@link Draft.finish} says who may. */
  static async create(connection: Connection, flow: Flow, path: string, { closed }: { readonly closed: boolean }): Promise<Draft> {
    return new Draft(connection, flow, path, await open(connection, path, 'wx', closed ? 0o600 : undefined));
  }

  /** Resolves when there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      while (this.#underWay >= this.#flow.windowBytes) await Promise.race(this.#writing);
      if (this.#error !== undefined) throw this.#error;
      const chunk = bytes.subarray(at, at + chunkBytes);
      this.#underWay += chunk.length;
      this.#flow.begin(chunk.length);
      const writing: Promise<void> = write(this.#connection, this.#handle, chunk, this.size).catch((error: unknown) => { this.#error ??= error; }).finally(() => {
        this.#underWay -= chunk.length;
        this.#flow.end(chunk.length);
        this.#writing.delete(writing);
      });
      this.#writing.add(writing);
      this.size += chunk.length;
    }
  }

  /** Ends the writing, and answers with what there is now. */
  async finish({ mode, modified, durable }: FileFacts): Promise<{ readonly facts: Facts; readonly digest: string }> {
    await Promise.all(this.#writing);
    if (this.#error !== undefined) throw this.#error;
    // Whose rights a program runs with is never decided by what comes from elsewhere.
    const attributes = { ...(mode !== undefined && { mode: mode & 0o777 }), ...(modified !== undefined && { atime: modified, mtime: modified }) };
    if (mode !== undefined || modified !== undefined) await setOpen(this.#connection, this.#handle, attributes);
    const [facts] = await Promise.all([lookAtOpen(this.#connection, this.#handle), durable && forceToDisk(this.#connection, this.#handle)]);
    this.#isOpen = false;
    await close(this.#connection, this.#handle);
    return { facts, digest: this.#hash.digest('hex').slice(0, 32) };
  }

  /** Takes the place of whatever file is at `path`, or of none. Where the server cannot do that in one step, there is a moment without a file. */
  async replace(path: string, aside: string): Promise<void> {
    if (!await replace(this.#connection, this.path, path)) {
      const wasThere = await lookAt(this.#connection, path) !== undefined;
      if (wasThere) await rename(this.#connection, path, aside);
      try {
        await rename(this.#connection, this.path, path);
      } catch (cause) {
        if (wasThere && this.#connection.isOpen) await rename(this.#connection, aside, path);
        throw cause;
      }
      if (wasThere) await remove(this.#connection, aside);
    }
    this.#isPlaced = true;
  }

  /** Takes the place at `path` if nothing has it. `done`: in one step. `unguarded`: the server has no such step, and it was looked just before. */
  async claim(path: string): Promise<'done' | 'unguarded' | 'taken'> {
    try {
      if (await link(this.#connection, this.path, path)) {
        await remove(this.#connection, this.path);
        this.#isPlaced = true;
        return 'done';
      }
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
    }
    // The server does not say whether the name is taken, or this file system knows no second names.
    if (await lookAt(this.#connection, path)) return 'taken';
    try {
      await rename(this.#connection, this.path, path);
    } catch (cause) {
      if (isFailure(cause) && await lookAt(this.#connection, path)) return 'taken';
      throw cause;
    }
    this.#isPlaced = true;
    return 'unguarded';
  }

  /** Removes it, unless it was put in place. What cannot be removed is left to a later run. */
  async drop(): Promise<void> {
    if (this.#isPlaced) return;
    try {
      await Promise.all(this.#writing);
      if (this.#isOpen) await close(this.#connection, this.#handle);
      await remove(this.#connection, this.path);
    } catch {
      return;
    }
  }
}

/** A name beside an entry, for something that is to be put in place later. */
export async function draftPath(connection: Connection, place: Place, key: Key, host: Host): Promise<string> {
  const parent = parentOf(key);
  const directory = parent === '' ? await place.root(connection) : await place.pathOf(connection, parent);
  return below(directory, temporaryPrefix + host.random().toString(36).slice(2));
}
