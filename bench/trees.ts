import { createCipheriv, hash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What of a tree differs from how it was made. */
export interface Changed {
  readonly edited: readonly number[];
  readonly deleted: readonly number[];
}

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
/** Every file was last changed about then. */
const madeAt = 1_700_000_000;

/** A directory whose files are the same each time it is made: many small ones in folders, or a few large ones. */
export class BenchTree {
  readonly folder: string;
  readonly files: number;
  readonly #largeBytes: number | undefined;

  private constructor(folder: string, files: number, largeBytes: number | undefined) {
    this.folder = folder;
    this.files = files;
    this.#largeBytes = largeBytes;
    for (let i = 0; i < files; i++) this.#make(i);
  }

  /** Files of 1 to 8 KiB. */
  static small(folder: string, files: number): BenchTree {
    return new BenchTree(folder, files, undefined);
  }

  static large(folder: string, files: number, bytes: number): BenchTree {
    return new BenchTree(folder, files, bytes);
  }

  path(i: number): string {
    if (this.#largeBytes !== undefined) return join(this.folder, `big-${i}.bin`);
    return join(this.folder, `d${i % 20}`, `s${Math.floor(i / 20) % 25}`, ...i % 3 === 0 ? ['deep', `er${i % 7}`] : [], `file-${i}.dat`);
  }

  /** Edits one file in a hundred, of which every other one keeps its size, and deletes another one in a hundred. */
  change(round: number): Changed {
    const share = Math.max(1, Math.round(this.files / 100));
    const picked = new Set<number>();
    for (let i = 0; picked.size < Math.min(this.files, 2 * share); i++) picked.add(drawn(`${round}/${i}`, this.files));
    const [edited, deleted] = [[...picked].slice(0, share), [...picked].slice(share)];
    edited.forEach((i, at) => writeFileSync(this.path(i), bytes(`${round}/new/${i}`, statSync(this.path(i)).size + (at % 2) * 17)));
    for (const i of deleted) rmSync(this.path(i));
    return { edited, deleted };
  }

  /** Makes everything as it was. */
  restore({ edited, deleted }: Changed): void {
    for (const i of [...edited, ...deleted]) this.#make(i);
  }

  #make(i: number): void {
    const path = this.path(i);
    mkdirSync(dirname(path), { recursive: true });
    if (this.#largeBytes === undefined) writeFileSync(path, bytes(`small ${i}`, kibibyte + drawn(`size ${i}`, 7 * kibibyte)));
    else {
      const file = openSync(path, 'w');
      for (let at = 0; at < this.#largeBytes; at += mebibyte) writeSync(file, bytes(`large ${i}/${at}`, Math.min(mebibyte, this.#largeBytes - at)));
      closeSync(file);
    }
    utimesSync(path, madeAt + i, madeAt + i);
  }
}

/** How many files of a directory another does not hold just so, and how many it holds beside them. */
export function differing(tree: string, copy: string): { readonly wrong: number; readonly extra: number } {
  const there = new Set(filesIn(copy));
  let wrong = 0;
  for (const path of filesIn(tree)) {
    if (!there.delete(path) || !readFileSync(join(tree, path)).equals(readFileSync(join(copy, path)))) wrong++;
  }
  return { wrong, extra: there.size };
}

/** The files below a folder, but for those that a server keeps for itself. */
function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1)).filter((path) => !path.startsWith('.sgwtmp'));
}

function bytes(seed: string, length: number): Buffer {
  return createCipheriv('aes-128-ctr', hash('md5', seed, 'buffer'), Buffer.alloc(16)).update(Buffer.alloc(length));
}

function drawn(seed: string, below: number): number {
  return bytes(seed, 4).readUInt32LE() % below;
}
