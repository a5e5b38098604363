import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Actor, ActorFile, ActorFlags, ActorListOptions, Listed } from '../../src/index.ts';

/** What it takes beside the flags that every target has. */
export const flags = { folder_root: 'the directory that containers are in (default: the current one)' };

/** A container is a directory, and every key one file in it, however many slashes the key has. */
export function open(container: string, _prefix: string, { folder_root: root = '.' }: ActorFlags): Actor {
  return new FolderActor(resolve(String(root), container));
}

// No key is written like this, so that a draft is never taken for an entry.
const draftEnd = '%draft';

class FolderActor implements Actor {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async *list({ under }: ActorListOptions = {}): AsyncGenerator<Listed> {
    await mkdir(this.#folder, { recursive: true });
    for (const name of await readdir(this.#folder)) {
      if (name.endsWith(draftEnd)) continue;
      const key = decodeURIComponent(name);
      // Optional, but then a changed file costs a look at itself, and not at all others.
      if (under && !under.some((top) => key === top || key.startsWith(`${top}/`))) continue;
      yield { key, size: (await stat(this.#pathOf(key))).size, md5: await this.#md5(key) };
    }
  }

  // The file takes its place when all of it is there: whoever reads meanwhile sees the old content or the new.
  async upload(file: ActorFile): Promise<void> {
    const path = this.#pathOf(file.key);
    await pipeline(file.open(), createWriteStream(path + draftEnd));
    await rename(path + draftEnd, path);
  }

  async delete(key: string): Promise<void> {
    await rm(this.#pathOf(key), { force: true });
  }

  download(key: string): AsyncIterable<Uint8Array> {
    return createReadStream(this.#pathOf(key));
  }

  validateFlags({ threads }: ActorFlags): string | undefined {
    return Number(threads) > 500 ? 'a folder takes no more than 500 uploads at once: lower --threads' : undefined;
  }

  async #md5(key: string): Promise<string> {
    const hash = createHash('md5');
    for await (const chunk of this.download(key)) hash.update(chunk);
    return hash.digest('hex');
  }

  // Keys come from elsewhere: as one name each, none leads out of the folder.
  #pathOf(key: string): string {
    return join(this.#folder, encodeURIComponent(key).replace(/^\.+$/, (dots) => dots.replaceAll('.', '%2E')));
  }
}
