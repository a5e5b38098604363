import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import type { Content, Version } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { versionOf } from './facts.ts';
import { fileError } from './file-error.ts';

type Blob = Content & { readonly kind: 'blob' };

/** Files up to this size are read and written in one go, without giving way to others. */
export const smallBytes: number = 256 * 1024;

const chunkBytes = 256 * 1024;
/** Larger than this, what was read has left the processor's cache before anybody looks at it. */
const mostBytes = 1024 * 1024;

// O_NONBLOCK: opening a pipe must not wait for its other end.
const reading = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** A file's bytes, read when asked for. A file that is not, or does not stay, as `version` says is refused. */
export function fileBlob(path: string, version: Version): Blob {
  return { kind: 'blob', bytes: (room) => readVersion(path, version, room) };
}

async function* readVersion(path: string, version: Version, room: () => Uint8Array = () => Buffer.allocUnsafe(chunkBytes)): AsyncGenerator<Uint8Array> {
  try {
    await using file = await open(path, reading);
    for (let first = true; ; first = false) {
      if (first && versionOf(await file.stat({ bigint: true })) !== version) throw changed(path);
      const into = room();
      const { buffer, bytesRead } = await file.read(into, 0, Math.min(into.length, mostBytes), null);
      if (bytesRead === 0) break;
      yield buffer.subarray(0, bytesRead);
    }
    if (versionOf(await file.stat({ bigint: true })) !== version) throw changed(path);
  } catch (cause) {
    throw fileError(cause, 'read', path);
  }
}

function changed(path: string): SyncError {
  return new SyncError('conflict', `${path} was changed while it was being read`, { hint: 'run again' });
}

/** The whole of a regular file and the facts it was read under; `undefined` when it is none any more. Throws system errors, and `conflict` when it does not hold still. */
export function readWhole(path: string, facts: BigIntStats): { readonly bytes: Buffer; readonly facts: BigIntStats } | undefined {
  const file = openSync(path, reading);
  try {
    let before = facts;
    for (let attempts = 0; attempts < 3; attempts++) {
      const bytes = readOpen(file, Number(before.size));
      // A file that was written to meanwhile may have been read half old, half new.
      const after = fstatSync(file, { bigint: true });
      if (!after.isFile()) return undefined;
      if (bytes && versionOf(after) === versionOf(before)) return { bytes, facts: after };
      before = after;
    }
    throw changed(path);
  } finally {
    closeSync(file);
  }
}

function readOpen(file: number, size: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(size);
  for (let at = 0; at < size;) {
    const read = readSync(file, bytes, at, size - at, at);
    if (read === 0) return undefined;
    at += read;
  }
  return bytes;
}

/** Whether two files of one size hold the same bytes. */
export function sameBytes(left: string, right: string): boolean {
  const [a, b] = [openSync(left, reading), openSync(right, reading)];
  try {
    const [x, y] = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)];
    for (let at = 0; ; at += chunkBytes) {
      const count = fill(a, x, at);
      if (count !== fill(b, y, at) || x.compare(y, 0, count, 0, count) !== 0) return false;
      if (count < chunkBytes) return true;
    }
  } finally {
    closeSync(a);
    closeSync(b);
  }
}

function fill(file: number, buffer: Buffer, position: number): number {
  let count = 0;
  while (count < buffer.length) {
    const read = readSync(file, buffer, count, buffer.length - count, position + count);
    if (read === 0) break;
    count += read;
  }
  return count;
}
