import type { InputAttributes, Stats } from 'ssh2';
import type { Connection } from './connection.ts';
import { isMissing, Refusal, status } from './failure.ts';
import type { Facts, Named } from './facts.ts';
import { factsOf } from './facts.ts';

/** A file that is open on the server. */
export type Handle = Buffer;

/** Listings asked for at once of one directory: each answer brings but some hundred names. */
const listingLanes = 4;

/** What is at `path`, links not followed; `undefined` where there is nothing. */
export async function lookAt(connection: Connection, path: string): Promise<Facts | undefined> {
  return ifThere(connection.ask<Stats>((sftp, answer) => sftp.lstat(path, answer)).then(factsOf));
}

/** What is at `path`, links followed; `undefined` where there is nothing. */
export async function lookBehind(connection: Connection, path: string): Promise<Facts | undefined> {
  try {
    return await ifThere(connection.ask<Stats>((sftp, answer) => sftp.stat(path, answer)).then(factsOf));
  } catch (cause) {
    // Links that lead in a circle are refused without a reason, and so may what one leads to be.
    if (cause instanceof Refusal) return undefined;
    throw cause;
  }
}

/** The path without links that `path` leads to; `undefined` where the server says none. */
export async function realPath(connection: Connection, path: string): Promise<string | undefined> {
  try {
    return await connection.ask<string>((sftp, answer) => sftp.realpath(path, answer));
  } catch (cause) {
    if (cause instanceof Refusal) return undefined;
    throw cause;
  }
}

/** What a link says, as text. */
export function readLink(connection: Connection, path: string): Promise<string> {
  return connection.ask<string>((sftp, answer) => sftp.readlink(path, answer));
}

/** Everything in a directory, in no order, without the directory itself and the one above. */
export async function list(connection: Connection, path: string): Promise<readonly Named[]> {
  const handle = await connection.ask<Handle>((sftp, answer) => sftp.opendir(path, answer));
  const found: Named[] = [];
  try {
    await Promise.all(Array.from({ length: listingLanes }, async () => {
      for (;;) {
        const some = await nextNames(connection, handle);
        if (!some) return;
        found.push(...some);
      }
    }));
  } finally {
    if (connection.isOpen) await close(connection, handle);
  }
  return found;
}

/** The next names of a directory that is being listed; `undefined` at its end. */
async function nextNames(connection: Connection, handle: Handle): Promise<readonly Named[] | undefined> {
  try {
    const names = await connection.ask<readonly { readonly filename: string; readonly attrs: Stats }[]>((sftp, answer) => sftp.readdir(handle as unknown as string, answer));
    // Only what is needed is held: a directory may be large.
    return names.map(({ filename, attrs }) => ({ name: filename, ...(attrs.mode !== undefined && { facts: factsOf(attrs) }) }));
  } catch (cause) {
    if (cause instanceof Refusal && cause.status === status.end) return undefined;
    throw cause;
  }
}

/** Opens a file for reading, or makes one that must not be there, for writing. */
export function open(connection: Connection, path: string, flags: 'r' | 'wx', mode?: number): Promise<Handle> {
  return connection.ask<Handle>((sftp, answer) => (mode === undefined ? sftp.open(path, flags, answer) : sftp.open(path, flags, { mode }, answer)));
}

/** Closes what was opened. */
export function close(connection: Connection, handle: Handle): Promise<void> {
  return connection.ask<void>((sftp, answer) => sftp.close(handle, answer));
}

/** What an open file is by now. */
export async function lookAtOpen(connection: Connection, handle: Handle): Promise<Facts> {
  return factsOf(await connection.ask<Stats>((sftp, answer) => sftp.fstat(handle, answer)));
}

/** Fills the buffer from a place in the file, and answers how much there was. */
export async function read(connection: Connection, handle: Handle, into: Buffer, position: number): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const [at, wanted] = [filled, into.length - filled];
    // Servers may give less than what was asked for; only nothing is the end.
    const count = await connection.ask<number>((sftp, answer) => sftp.read(handle, into, at, wanted, position + at, (error, bytes) => answer(error, bytes)));
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** Writes bytes at a place in the file, all of them. */
export function write(connection: Connection, handle: Handle, bytes: Uint8Array, position: number): Promise<void> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return connection.ask<void>((sftp, answer) => sftp.write(handle, buffer, 0, buffer.length, position, (error) => answer(error)));
}

/** Changes mode or times of an open file. */
export function setOpen(connection: Connection, handle: Handle, attributes: InputAttributes): Promise<void> {
  return connection.ask<void>((sftp, answer) => sftp.fsetstat(handle, attributes, answer));
}

/** Changes mode or times of what is at `path`. */
export function set(connection: Connection, path: string, attributes: InputAttributes): Promise<void> {
  return connection.ask<void>((sftp, answer) => sftp.setstat(path, attributes, answer));
}

/** Changes times of a link, where the server can. */
export function setLink(connection: Connection, path: string, attributes: InputAttributes): Promise<boolean> {
  return ifAble(connection.ask<void>((sftp, answer) => sftp.ext_openssh_lsetstat(path, attributes, answer)));
}

/** Forces an open file to the disk of the server, where it can. */
export function forceToDisk(connection: Connection, handle: Handle): Promise<boolean> {
  return ifAble(connection.ask<void>((sftp, answer) => sftp.ext_openssh_fsync(handle, (error) => answer(error))));
}

/** Gives a file another name, in place of what may have it, in one step; false where the server has no such step. */
export function replace(connection: Connection, from: string, to: string): Promise<boolean> {
  return ifAble(connection.ask<void>((sftp, answer) => sftp.ext_openssh_rename(from, to, answer)));
}

/** Gives a file a second name that nothing has, in one step; false where the server has no such step. */
export function link(connection: Connection, from: string, to: string): Promise<boolean> {
  return ifAble(connection.ask<void>((sftp, answer) => sftp.ext_openssh_hardlink(from, to, answer)));
}

/** Gives a file another name. Servers are to refuse one that is taken. */
export function rename(connection: Connection, from: string, to: string): Promise<void> {
  return connection.ask<void>((sftp, answer) => sftp.rename(from, to, answer));
}

/** Makes a symbolic link that says `target`. */
export function makeLink(connection: Connection, target: string, path: string): Promise<void> {
  return connection.ask<void>((sftp, answer) => sftp.symlink(target, path, answer));
}

/** Makes a directory in one that is there. */
export function makeDirectory(connection: Connection, path: string): Promise<void> {
  return connection.ask<void>((sftp, answer) => sftp.mkdir(path, answer));
}

/** Removes a directory that is empty. */
export function removeDirectory(connection: Connection, path: string): Promise<void> {
  return connection.ask<void>((sftp, answer) => sftp.rmdir(path, answer));
}

/** Removes a file or link; false where there was none. */
export async function remove(connection: Connection, path: string): Promise<boolean> {
  try {
    await connection.ask<void>((sftp, answer) => sftp.unlink(path, answer));
    return true;
  } catch (cause) {
    if (isMissing(cause)) return false;
    throw cause;
  }
}

/** What the server calls the file system that `path` is on; `undefined` where it does not say. */
export async function fileSystemOf(connection: Connection, path: string): Promise<string | undefined> {
  try {
    const { f_sid: id } = await connection.ask<{ readonly f_sid?: number }>((sftp, answer) => sftp.ext_openssh_statvfs(path, answer));
    // Nothing but zero is what servers say that have no name for it.
    return id ? id.toString(16) : undefined;
  } catch (cause) {
    if (cause instanceof Refusal) return undefined;
    throw cause;
  }
}

async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (cause) {
    // Nothing can have a name that the server does not take.
    if (isMissing(cause) || (cause instanceof Refusal && cause.status === status.badMessage)) return undefined;
    throw cause;
  }
}

async function ifAble(asked: Promise<void>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (cause) {
    if (cause instanceof Refusal && cause.status === status.unsupported) return false;
    throw cause;
  }
}
