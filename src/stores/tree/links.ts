import { readlinkSync, realpathSync, statSync } from 'node:fs';
import type { BigIntStats, Dirent } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import { lookAt } from './facts.ts';
import { codeOf } from './file-error.ts';
import { parentOf } from './paths.ts';

/**
 * What becomes of symbolic links. `skip`: they are passed over. `follow`: they are read as what they lead to, a file
 * anywhere or a directory of the same tree; nothing is written through one. `files`: as `follow`, but those that lead to
 * directories are passed over. `keep`: they are entries.
 */
export type Links = 'skip' | 'follow' | 'files' | 'keep';

/** So many links to directories are followed within one another: links to one another would else multiply without end. */
const linkDepth = 8;

/** The longest text of a link. */
const linkBytes = 4_095;

/** The state of what is at `path`, and where links are followed, of what one there leads to. */
export function factsAt(path: string, links: Links): BigIntStats | undefined {
  const facts = lookAt(path);
  return followsFiles(links) && facts?.isSymbolicLink() ? factsBehind(path) : facts;
}

/** Whether a link to a file is read as that file. */
export function followsFiles(links: Links): boolean {
  return links === 'follow' || links === 'files';
}

/** The state of what a link leads to; `undefined` where that is nothing, or the link leads to itself. */
function factsBehind(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (cause) {
    if (leadsNowhere(cause)) return undefined;
    throw cause;
  }
}

/** Whether these are the facts of something that is an entry. */
export function isEntry(facts: BigIntStats, links: Links): boolean {
  return facts.isFile() || (links === 'keep' && facts.isSymbolicLink());
}

/** The path without links that `path` leads to; `undefined` where it leads nowhere. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch (cause) {
    if (leadsNowhere(cause)) return undefined;
    throw cause;
  }
}

/** Whether `path` is `directory` or lies in it. Both without links. */
export function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}

/** What something is taken for, or why it is passed over: `loose` leads nowhere, `astray` out of the tree or around. */
export type Kind = 'file' | 'directory' | 'special' | 'link' | 'loose' | 'astray';

/** What is at `key`, given what is known of it without following links. */
export function kindOf(found: Dirent | BigIntStats, root: string, key: Key, links: Links): Kind {
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'directory';
  if (!found.isSymbolicLink()) return 'special';
  if (!followsFiles(links)) return links === 'keep' ? 'file' : 'link';
  const behind = factsBehind(join(root, key));
  if (!behind) return 'loose';
  if (behind.isFile()) return 'file';
  if (!behind.isDirectory()) return 'special';
  if (links === 'files') return 'link';
  const above = directoriesTo(root, parentOf(key));
  return above && mayEnter(realPath(join(root, key)), above) ? 'directory' : 'astray';
}

/**
 * The directories on the way to one, itself included, without links, the root first. `undefined` where a walk that
 * follows links does not come.
 */
export function directoriesTo(root: string, directory: Key): readonly string[] | undefined {
  const passed = [root];
  let path = root;
  for (const part of directory === '' ? [] : directory.replace(/\/$/, '').split('/')) {
    path = join(path, part);
    const facts = lookAt(path);
    const real = facts && realPath(path);
    if (real === undefined || (facts?.isSymbolicLink() ? !factsBehind(path)?.isDirectory() || !mayEnter(real, passed) : !facts?.isDirectory())) return undefined;
    passed.push(real);
  }
  return passed;
}

/** Whether a link to a directory is followed. Whoever is in a directory already must not come to it again. */
function mayEnter(real: string | undefined, [root = '', ...passed]: readonly string[]): boolean {
  if (real === undefined || real === root || !isInside(real, root) || passed.some((directory) => isInside(directory, real))) return false;
  const followed = passed.filter((directory, i) => !isInside(directory, passed[i - 1] ?? root)).length;
  return followed < linkDepth;
}

/** The text of a link, as bytes. Throws `invalid` when it is not UTF-8, and system errors. */
export function readLink(path: string): Buffer {
  const bytes = readlinkSync(path, { encoding: 'buffer' });
  if (!Buffer.from(bytes.toString()).equals(bytes)) throw new SyncError('invalid', `the link ${path} leads to a name that is not UTF-8`, { hint: 'rename what it leads to' });
  return bytes;
}

/**
 * The text of a link that may be made at `key`. Throws `invalid` on one that leads out of the root, now or once other
 * links are there: `..` may only lead it, because after a name, which may be a link itself, nobody can tell where it leads.
 */
export function linkTarget(root: string, key: Key, bytes: Uint8Array): string {
  const target = Buffer.from(bytes).toString();
  const refuse = (why: string): never => {
    throw new SyncError('invalid', `the link ${key} is not made, because ${why}`, { key, hint: 'make it by hand if it is meant' });
  };
  if (bytes.length === 0 || bytes.length > linkBytes || target.includes('\0') || !Buffer.from(target).equals(bytes)) return refuse('what it is to lead to is not a path');
  if (target.startsWith('/') || (sep === '\\' && /^\\|^[a-z]:/i.test(target))) return refuse(`it leads out of the tree, to ${target}`);
  const parts = target.split(sep === '\\' ? /[\\/]/ : '/').filter((part) => part !== '' && part !== '.');
  const named = parts.findIndex((part) => part !== '..');
  const up = named === -1 ? parts.length : named;
  if (up > key.split('/').length - 1) return refuse(`it leads out of the tree, to ${target}`);
  if (parts.lastIndexOf('..') >= up) return refuse(`it leads back up after a name, to ${target}`);
  // Somebody else's link on the way may lead anywhere.
  const path = realPath(join(root, parentOf(key), target)) ?? realPath(dirname(join(root, parentOf(key), target)));
  if (path !== undefined && !isInside(path, root)) return refuse(`it leads out of the tree, to ${target}`);
  return target;
}

function leadsNowhere(cause: unknown): boolean {
  const code = codeOf(cause);
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG' || code === 'EINVAL' || code === 'EACCES' || code === 'EILSEQ';
}
