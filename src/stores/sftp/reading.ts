import type { Content } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Connection } from './connection.ts';
import type { Facts } from './facts.ts';
import { isSame } from './facts.ts';
import { isMissing } from './failure.ts';
import { close, lookAtOpen, open, read } from './remote.ts';
import type { Handle } from './remote.ts';
import type { Place } from './place.ts';
import type { About } from './session.ts';

type Blob = Content & { readonly kind: 'blob' };

/** Bytes asked for at once. Servers that give less are asked again. */
const chunkBytes = 128 * 1024;

/** The whole of a small file and the facts it was read under; `undefined` when it is not, or did not stay, as it was. */
export async function readWhole(connection: Connection, path: string, before: Facts): Promise<{ readonly bytes: Buffer; readonly facts: Facts } | undefined> {
  let handle: Handle;
  try {
    handle = await open(connection, path, 'r');
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw cause;
  }
  // One byte more than there should be shows whether it grew.
  const bytes = Buffer.allocUnsafe(before.size + 1);
  const count = await held(connection, handle, read(connection, handle, bytes, 0));
  const facts = await held(connection, handle, lookAtOpen(connection, handle));
  await close(connection, handle);
  return count === before.size && isSame(facts, before) ? { bytes: bytes.subarray(0, count), facts } : undefined;
}

/** What a request about an open file answers; where it fails the file is closed. */
async function held<T>(connection: Connection, handle: Handle, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (cause) {
    if (connection.isOpen) await close(connection, handle);
    throw cause;
  }
}

/** A file on a server, as it was when it was looked at. */
export interface RemoteFile {
  readonly place: Place;
  readonly path: (connection: Connection) => Promise<string>;
  readonly facts: Facts;
  readonly about: About;
}

/** A file's bytes, read when asked for. A file that is not, or does not stay, as the facts say is refused. */
export function fileBlob(file: RemoteFile): Blob {
  return {
    kind: 'blob',
    async *bytes() {
      const reader = new FileReader(file);
      try {
        for (let chunk = await reader.next(); chunk; chunk = await reader.next()) yield chunk;
      } finally {
        await reader.close();
      }
    },
  };
}

/** Reads a file with many requests under way, and goes on where it was when the connection is lost. */
class FileReader {
  readonly #file: RemoteFile;
  #open: { readonly connection: Connection; readonly handle: Handle } | undefined;
  #chunks: Promise<Buffer>[] = [];
  /** How far the file was asked for, and how far it came. */
  #asked = 0;
  #done = 0;

  constructor(file: RemoteFile) {
    this.#file = file;
  }

  /** The next bytes; `undefined` at the end, where the file proved to be what it was at the beginning. */
  next(): Promise<Buffer | undefined> {
    const { place, about, facts } = this.#file;
    return place.session.run(about, async (connection) => {
      const handle = this.#open?.connection === connection ? this.#open.handle : await this.#begin(connection);
      while ((this.#chunks.length === 0 || this.#asked - this.#done < place.flow.windowBytes) && this.#asked < facts.size) this.#ask(connection, handle);
      const chunk = await this.#chunks[0];
      if (!chunk) await this.#check(connection, handle);
      void this.#chunks.shift();
      this.#done += chunk?.length ?? 0;
      place.flow.end(chunk?.length ?? 0);
      return chunk;
    });
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#forget();
    // Who ends early need not wait for what is still to come; the server answers in order.
    if (open?.connection.isOpen) await close(open.connection, open.handle).catch(() => {});
  }

  async #begin(connection: Connection): Promise<Handle> {
    const handle = await open(connection, await this.#file.path(connection), 'r');
    this.#open = { connection, handle };
    this.#forget();
    await this.#check(connection, handle);
    return handle;
  }

  #ask(connection: Connection, handle: Handle): void {
    const into = Buffer.allocUnsafe(Math.min(chunkBytes, this.#file.facts.size - this.#asked));
    const chunk = read(connection, handle, into, this.#asked).then((count) => {
      if (count < into.length) throw this.#changed();
      return into;
    });
    // It may fail before its turn comes.
    chunk.catch(() => {});
    this.#asked += into.length;
    this.#file.place.flow.begin(into.length);
    this.#chunks.push(chunk);
  }

  /** What was asked for and did not come is not waited for any more. */
  #forget(): void {
    this.#file.place.flow.end(this.#asked - this.#done);
    this.#chunks = [];
    this.#asked = this.#done;
  }

  async #check(connection: Connection, handle: Handle): Promise<void> {
    if (!isSame(await lookAtOpen(connection, handle), this.#file.facts)) throw this.#changed();
  }

  #changed(): SyncError {
    const { about } = this.#file;
    return new SyncError('conflict', `${about.place} was changed while it was being read`, { ...about.details, hint: 'run again' });
  }
}
