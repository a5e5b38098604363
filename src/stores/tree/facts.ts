import { lstatSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { sep } from 'node:path';
import type { Attributes, Micros, Stat, Version } from '../../model/entry.ts';

/** The state of what is at `path`, links not followed; `undefined` where there is nothing. */
export function lookAt(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (cause) {
    // Nothing can be below a file, and nothing can have a name that the file system does not take.
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOTDIR' || code === 'ENAMETOOLONG' || code === 'EINVAL' || code === 'EILSEQ') return undefined;
    throw cause;
  }
}

/**
 * Changes whenever the file does: the times catch edits in place, the inode catches replacement, and the change time
 * catches an edit that put the modification time back.
 */
export function versionOf({ mtimeNs, size, ino, ctimeNs }: BigIntStats): Version {
  return `${mtimeNs}-${size}-${ino}-${ctimeNs}`;
}

/** What an entry says of a file without reading it. */
export function statOfFile(facts: BigIntStats): Stat {
  return { version: versionOf(facts), size: Number(facts.size), modifiedAt: microsOf(facts) };
}

/** The modification time. Rounded, because a time travels to the system as a fraction of seconds and may come back a little short. */
export function microsOf({ mtimeNs }: BigIntStats): Micros {
  return Number((mtimeNs + 500n) / 1_000n);
}

/** What of a file travels with its content. Windows has no permission bits that would mean anything elsewhere. */
export function attributesOf(facts: BigIntStats): Attributes {
  const modifiedAt = microsOf(facts);
  if (facts.isSymbolicLink()) return { modifiedAt, link: true };
  return sep === '\\' ? { modifiedAt } : { modifiedAt, mode: Number(facts.mode & 0o777n) };
}
