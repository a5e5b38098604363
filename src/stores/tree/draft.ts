import { closeSync, constants, copyFileSync, fchmodSync, fstatSync, fsync, futimesSync, linkSync, openSync, renameSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Micros, Stat } from '../../model/entry.ts';
import type { Host } from '../../model/host.ts';
import { lookAt, statOfFile } from './facts.ts';
import { codeOf } from './file-error.ts';
import { temporaryPrefix } from './paths.ts';

const creating = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

const synced = promisify(fsync);

/** What a file is to be beside its content. */
export interface FileFacts {
  /** The file it takes the place of, whose mode it keeps where no other is given. */
  readonly like?: BigIntStats | undefined;
  readonly mode?: number | undefined;
  readonly modifiedAt?: Micros | undefined;
}

/**
 * A file being written beside the one it is to become, so that whoever reads that one sees all of the old content or
 * all of the new, also when this process is killed. What {@link Draft.finishDurably} has not forced to
 * the disk, a loss of power may undo. Disposing of one that was not put in place removes it.
 */
export class Draft implements Disposable {
  readonly #path: string;
  readonly #file: number;
  #open = true;
  #placed = false;
  #inode: bigint | undefined;
  size = 0;

  private constructor(path: string, file: number) {
    this.#path = path;
    this.#file = file;
  }

  /** Throws system errors, as do all methods. `closed`: nobody else may read it before {@link Draft.finish} says who may. */
  static create(directory: string, host: Host, { closed = false }: { readonly closed?: boolean } = {}): Draft {
    for (;;) {
      const path = draftPath(directory, host);
      try {
        return new Draft(path, openSync(path, creating, closed ? 0o600 : 0o666));
      } catch (cause) {
        if (codeOf(cause) !== 'EEXIST') throw cause;
      }
    }
  }

  get path(): string {
    return this.#path;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const count = writeSync(this.#file, bytes, at, bytes.length - at, this.size);
      at += count;
      this.size += count;
    }
  }

  /** Begins with what is in the file at `path`, which the system copies faster than we could. */
  copyFrom(path: string): void {
    copyFileSync(path, this.#path);
    this.size = Number(fstatSync(this.#file, { bigint: true }).size);
  }

  /** Ends the writing. */
  finish(facts: FileFacts = {}): void {
    this.#set(facts);
    this.#close();
  }

  /** Ends the writing, and resolves when it is on the disk and not only in the system's memory. */
  async finishDurably(facts: FileFacts = {}): Promise<void> {
    this.#set(facts);
    await synced(this.#file);
    this.#close();
  }

  /** Takes the place of whatever file is at `path`. */
  replace(path: string): void {
    renameSync(this.#path, path);
    this.#placed = true;
  }

  /** Takes the place at `path` if nothing has it, in one step; else does nothing. `unable`: the file system has no such step. */
  claim(path: string): 'done' | 'taken' | 'unable' {
    try {
      linkSync(this.#path, path);
    } catch (cause) {
      const code = codeOf(cause);
      if (code === 'EEXIST') return 'taken';
      if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'ENOSYS' || code === 'EMLINK') return 'unable';
      throw cause;
    }
    unlinkSync(this.#path);
    this.#placed = true;
    return 'done';
  }

  /** The stat of the file put in place at `path`; empty when somebody has replaced it since, whose version must not pass for ours. */
  stat(path: string): Stat {
    const facts = lookAt(path);
    return facts?.ino === this.#inode && facts?.size === BigInt(this.size) ? statOfFile(facts) : {};
  }

  [Symbol.dispose](): void {
    this.#close();
    if (!this.#placed) rmSync(this.#path, { force: true });
  }

  #set({ like, mode, modifiedAt }: FileFacts): void {
    // Whose rights a program runs with is never decided by what comes from elsewhere.
    if (mode !== undefined) fchmodSync(this.#file, mode & 0o777);
    else if (like) fchmodSync(this.#file, Number(like.mode & 0o7777n));
    if (modifiedAt !== undefined) futimesSync(this.#file, modifiedAt / 1e6, modifiedAt / 1e6);
    this.#inode = fstatSync(this.#file, { bigint: true }).ino;
  }

  #close(): void {
    if (this.#open) closeSync(this.#file);
    this.#open = false;
  }
}

/** A name for something that is to be put in place later. */
export function draftPath(directory: string, host: Host): string {
  return join(directory, temporaryPrefix + host.random().toString(36).slice(2));
}
