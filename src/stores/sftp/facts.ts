import type { Stats } from 'ssh2';
import type { Attributes, Micros, Stat, Version } from '../../model/entry.ts';

/** What the protocol tells of a file. */
export interface Facts {
  readonly kind: 'file' | 'directory' | 'link' | 'special';
  readonly size: number;
  /** Seconds since the Unix epoch. */
  readonly modified: number;
  /** Permission bits; absent where the server does not say. */
  readonly mode?: number;
}

/** A name in a directory. What it names is told along, where the server does. */
export interface Named {
  readonly name: string;
  readonly facts?: Facts;
}

/** The last second that the protocol can say. */
const lastSecond = 2 ** 32 - 1;

/** A file that was modified this recently may be modified again within the same second, and nothing would tell. */
const freshSeconds = 3;

const kinds: { readonly [bits: number]: Facts['kind'] } = { 0o100_000: 'file', 0o040_000: 'directory', 0o120_000: 'link' };

/** The facts out of what a server answers. */
export function factsOf({ mode, size, mtime }: Partial<Stats>): Facts {
  // A server that does not say what something is can only have meant a file.
  const kind = mode === undefined ? 'file' : (kinds[mode & 0o170_000] ?? 'special');
  return { kind, size: size ?? 0, modified: mtime ?? 0, ...(mode !== undefined && { mode: mode & 0o7777 }) };
}

/** The whole seconds of a time, as far as the protocol can say it. */
export function secondsOf(time: Micros): number {
  return Math.min(lastSecond, Math.max(0, Math.floor(time / 1e6)));
}

/** Whether a state of a file may not be the only one that looks like it. */
export function isFresh({ modified }: Facts, nowMs: number): boolean {
  return modified > nowMs / 1e3 - freshSeconds;
}

/** Names a state by what the protocol tells of it, and by its digest where that may not be enough. */
export function versionOf({ modified, size }: Facts, digest?: string): Version {
  return digest === undefined ? `${modified}-${size}` : `${modified}-${size}-${digest}`;
}

/** The digest in a version that has one. */
export function digestIn(version: Version): string | undefined {
  return version.split('-')[2];
}

/** What an entry says of a file without reading it. */
export function statOfFile(facts: Facts, digest?: string): Stat {
  return { version: versionOf(facts, digest), size: facts.size, modifiedAt: facts.modified * 1e6 };
}

/** What of a file travels with its content. */
export function attributesOf({ kind, modified, mode }: Facts): Attributes {
  const modifiedAt = modified * 1e6;
  if (kind === 'link') return { modifiedAt, link: true };
  return { modifiedAt, ...(mode !== undefined && { mode: mode & 0o777 }) };
}

/** Whether two looks saw the same. */
export function isSame(one: Facts | undefined, other: Facts | undefined): boolean {
  return one && other ? one.kind === other.kind && one.size === other.size && one.modified === other.modified : one === other;
}
