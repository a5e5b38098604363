import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import { parentOf } from '../tree/paths.ts';
import type { Connection } from './connection.ts';
import type { Facts } from './facts.ts';
import type { Links, Place } from './place.ts';
import { lookAt, lookBehind, realPath } from './remote.ts';

/** So many links to directories are followed within one another: links to one another would else multiply without end. */
const linkDepth = 8;

/** The longest text of a link. */
const linkBytes = 4_095;

/** What something is taken for, or why it is passed over: `loose` leads nowhere, `astray` out of the place or around. */
export type Kind = 'file' | 'directory' | 'special' | 'link' | 'loose' | 'astray';

/** What is at a key, and for a link that is followed what that leads to. */
export interface Found {
  readonly kind: Kind;
  readonly facts: Facts;
}

/** Whether a link to a file is read as that file. */
function followsFiles(links: Links): boolean {
  return links === 'follow' || links === 'files';
}

/** What is at `key`, given what is known of it without following links. */
export async function classify(connection: Connection, place: Place, key: Key, facts: Facts): Promise<Found> {
  const { links } = place;
  if (facts.kind !== 'link') return { kind: facts.kind, facts };
  if (!followsFiles(links)) return { kind: links === 'keep' ? 'file' : 'link', facts };
  const path = await place.pathOf(connection, key);
  const behind = await lookBehind(connection, path);
  if (!behind) return { kind: 'loose', facts };
  if (behind.kind !== 'directory') return { kind: behind.kind, facts: behind };
  if (links === 'files') return { kind: 'link', facts };
  const above = await directoriesTo(connection, place, parentOf(key));
  return { kind: above && mayEnter(await realPath(connection, path), above) ? 'directory' : 'astray', facts: behind };
}

/**
 * The directories on the way to one, itself included, without links, the root first. `undefined` where a walk that
 * follows links does not come.
 */
export async function directoriesTo(connection: Connection, place: Place, directory: Key): Promise<readonly string[] | undefined> {
  let path = await place.root(connection);
  const root = await realPath(connection, path);
  if (root === undefined) return undefined;
  const passed = [root];
  for (const part of directory === '' ? [] : directory.split('/')) {
    path = `${path}/${part}`;
    const facts = await lookAt(connection, path);
    if (facts?.kind === 'directory') {
      passed.push(`${passed.at(-1)}/${part}`);
      continue;
    }
    const real = facts?.kind === 'link' ? await realPath(connection, path) : undefined;
    if (real === undefined || !mayEnter(real, passed) || (await lookBehind(connection, path))?.kind !== 'directory') return undefined;
    passed.push(real);
  }
  return passed;
}

/** Whether a link to a directory is followed. Whoever is in a directory already must not come to it again. */
function mayEnter(real: string | undefined, [root = '', ...passed]: readonly string[]): boolean {
  if (real === undefined || real === root || !isInside(real, root) || passed.some((directory) => isInside(directory, real))) return false;
  return passed.filter((directory, i) => !isInside(directory, passed[i - 1] ?? root)).length < linkDepth;
}

function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}

/**
 * The text of a link that may be made at `key`. Throws `invalid` on one that leads out of the root, now or once other
 * links are there: `..` may only lead it, because after a name, which may be a link itself, nobody can tell where it leads.
 */
export async function linkTarget(connection: Connection, place: Place, key: Key, bytes: Uint8Array): Promise<string> {
  const target = Buffer.from(bytes).toString();
  const refuse = (why: string): never => {
    throw new SyncError('invalid', `the link ${key} is not made, because ${why}`, { key, hint: 'make it by hand if it is meant' });
  };
  if (bytes.length === 0 || bytes.length > linkBytes || target.includes('\0') || !Buffer.from(target).equals(bytes)) return refuse('what it is to lead to is not a path');
  if (target.startsWith('/')) return refuse(`it leads out of the directory, to ${target}`);
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const named = parts.findIndex((part) => part !== '..');
  const up = named === -1 ? parts.length : named;
  if (up > key.split('/').length - 1) return refuse(`it leads out of the directory, to ${target}`);
  if (parts.lastIndexOf('..') >= up) return refuse(`it leads back up after a name, to ${target}`);
  // Somebody else's link on the way may lead anywhere. The directories above the key are none, and may not be there yet.
  const base = await place.root(connection);
  const root = await realPath(connection, base);
  const way = [...key.split('/').slice(0, -1 - up), ...parts.slice(up)];
  for (const depth of [way.length, way.length - 1]) {
    const path = depth < 0 ? undefined : await realPath(connection, [base === '/' ? '' : base, ...way.slice(0, depth)].join('/'));
    if (root !== undefined && path !== undefined && !isInside(path, root)) return refuse(`it leads out of the directory, to ${target}`);
  }
  return target;
}
