import { sep } from 'node:path';
import type { Key } from '../../model/key.ts';
import type { Renaming } from '../../engine/wrap/renamed.ts';

/** How local paths become keys. */
export interface MappingOptions {
  /** Taken off the front of an absolute path that begins with it, as plain text. */
  readonly sourcePrefix: string;
  readonly targetPrefix: string;
  /** Whether the target has no keys that begin with a slash, and takes all of them off. */
  readonly strips: boolean;
}

/** Something that is read: a directory, or one file. Absolute. */
export interface Local {
  readonly path: string;
  readonly isFile: boolean;
}

/** The keys of a mirror, and which of the target's keys belong to it. */
export interface Mapping {
  /** What all keys begin with at the target, or nothing: keys are named without it. Ends with a slash. */
  readonly root: string;
  /** The key of an absolute path. */
  keyOf(path: string): Key;
  /** Which paths would have this key. */
  pathsOf(key: Key): readonly string[];
  /** What keys begin with whose target prefix is dropped, because they begin with a slash. */
  readonly dropped: readonly string[];
  /** Whether a key of the target is this mirror's affair. */
  covers(key: Key): boolean;
  /** The keys of one thing that is read, whose store names them from its own root. */
  renaming(local: Local): Renaming;
}

/**
 * Joins a prefix and a key as paths are joined: a key that begins with a slash is a whole path already, and the prefix
 * is dropped.
 */
function joinPath(prefix: string, key: string): string {
  if (key.startsWith('/') || prefix === '') return key;
  return prefix.endsWith('/') ? prefix + key : `${prefix}/${key}`;
}

/** The keys of files under these prefixes. */
export function mappingOf(locals: readonly Local[], { sourcePrefix, targetPrefix, strips }: MappingOptions): Mapping {
  const bare = (path: string): string => (sourcePrefix !== '' && path.startsWith(sourcePrefix) ? path.slice(sourcePrefix.length) : path);
  const stripped = (key: string): string => (strips ? key.replace(/^\/+/, '') : key);
  const whole = (path: string): string => stripped(joinPath(targetPrefix, bare(path)));
  const prefixed = targetPrefix === '' ? '' : stripped(targetPrefix.endsWith('/') ? targetPrefix : `${targetPrefix}/`);
  // A prefix that is dropped says nothing of where the keys are: those below each source are then the mirror.
  const outside = targetPrefix === '' ? [] : locals.map(({ path, isFile }) => whole(isFile ? path : `${path}/`)).filter((begins) => !begins.startsWith(prefixed));
  const root = strips && outside.length === 0 ? prefixed : '';
  const keyOf = (path: string): Key => whole(path).slice(root.length);
  const scopes = [...outside, ...(outside.length < locals.length ? [prefixed] : [])];
  return {
    root,
    dropped: outside,
    keyOf,
    covers: (key) => root !== '' || scopes.some((scope) => (root + key).startsWith(scope)),
    pathsOf: (key) => pathsOf(key, { keyOf, locals, sourcePrefix, prefix: root === '' ? prefixed : '' }),
    renaming: (local) => renamingOf(local, sourcePrefix, keyOf),
  };
}

/** The inverse of the naming, which is not always one path: with slashes taken off, nobody knows whether there were any. */
function pathsOf(key: Key, { keyOf, locals, sourcePrefix, prefix }: { readonly keyOf: (path: string) => Key; readonly locals: readonly Local[]; readonly sourcePrefix: string; readonly prefix: string }): readonly string[] {
  const found = locals.flatMap(({ path, isFile }) => {
    if (isFile) return keyOf(path) === key ? [path] : [];
    const begins = keyOf(`${path}/`);
    return key.startsWith(begins) ? [`${path}/${key.slice(begins.length)}`] : [];
  }).filter((path) => keyOf(path) === key);
  if (found.length > 0) return found;
  const bare = key.startsWith(prefix) ? key.slice(prefix.length) : key;
  const below = bare.replace(/^\/+/, '');
  return [...new Set([sourcePrefix + bare, `${sourcePrefix.replace(/\/$/, '')}/${below}`, `/${below}`])].filter((path) => keyOf(path) === key);
}

function renamingOf({ path, isFile }: Local, sourcePrefix: string, keyOf: (path: string) => Key): Renaming {
  const directory = isFile ? path.slice(0, path.lastIndexOf(sep) + 1) : `${path.replace(/\/+$/, '')}/`;
  const only = isFile ? path.slice(directory.length) : undefined;
  const identity = JSON.stringify([directory, only, sourcePrefix, keyOf(directory)]);
  if (sourcePrefix.length > directory.length && sourcePrefix.startsWith(directory) && only === undefined) return partly(directory, sourcePrefix, keyOf, identity);
  const begins = keyOf(`${directory}\u0001`).slice(0, -1);
  return {
    outward: (key) => (key === '' ? '' : only !== undefined && key !== only ? undefined : begins + key),
    inward: (key) => (key !== '' && key.startsWith(begins) ? key.slice(begins.length) : undefined),
    keepsOrder: true,
    keepsBelow: true,
    addsBytes: -Buffer.byteLength(begins),
    identity,
  };
}

/** The prefix is taken off some of the files only, so that nothing is in order. */
function partly(directory: string, sourcePrefix: string, keyOf: (path: string) => Key, identity: string): Renaming {
  // Where slashes are taken off, what lies below a directory is likelier meant than what only begins like it.
  const begins = [directory, `${sourcePrefix.replace(/\/$/, '')}/`, sourcePrefix].map((path) => ({ inner: path.slice(directory.length), outer: keyOf(`${path}\u0001`).slice(0, -1) }));
  return {
    outward: (key) => (key === '' ? '' : keyOf(directory + key)),
    inward: (key) => begins.filter(({ outer }) => key.startsWith(outer)).map(({ inner, outer }) => inner + key.slice(outer.length)).find((inner) => keyOf(directory + inner) === key),
    keepsOrder: false,
    identity,
  };
}
