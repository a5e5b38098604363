import { createHash } from 'node:crypto';
import type { Content, Version } from '../../model/entry.ts';
import type { Key } from '../../model/key.ts';
import type { Connection } from './connection.ts';
import { digestIn, isFresh, versionOf } from './facts.ts';
import type { Facts } from './facts.ts';
import type { Place } from './place.ts';
import { readLink } from './remote.ts';
import { readWhole } from './reading.ts';

/** What is larger is told apart by time and size alone. */
const largestRead = 16 * 1024 * 1024;

/** How many files are remembered; those that were forgotten are read once more. */
const remembered = 20_000;

interface Known {
  readonly modified: number;
  readonly size: number;
  readonly digest: string;
  /** Whether it was read so late that no other state can look like it. */
  readonly settled: boolean;
}

/**
 * Tells states of files apart that were modified within the same second, which the protocol does not: those that are
 * that young are read. A file keeps its version for as long as this lives, also when it is not young any more.
 */
export class States {
  readonly #place: Place;
  readonly #known = new Map<Key, Known>();

  constructor(place: Place) {
    this.#place = place;
  }

  /** The digest that belongs into the version of a file; `undefined` where its time and size say all. */
  async digestOf(connection: Connection, key: Key, facts: Facts): Promise<string | undefined> {
    if (!this.mustRead(key, facts)) return this.known(key, facts);
    const now = this.#place.host.now();
    const digest = await digestAt(connection, await this.#place.pathOf(connection, key), facts);
    return digest === undefined ? undefined : this.note(key, facts, digest, now);
  }

  /** The digest in the version of a file that need not be read. */
  known(key: Key, facts: Facts): string | undefined {
    return this.#same(key, facts)?.digest;
  }

  /** Whether only its content tells which state a file is in. */
  mustRead(key: Key, facts: Facts): boolean {
    if (facts.kind === 'directory' || facts.size > largestRead) return false;
    const known = this.#same(key, facts);
    return known ? !known.settled : isFresh(facts, this.#place.host.now());
  }

  /** Remembers what was in a file at a time, and answers with the digest that belongs into its version. */
  note(key: Key, facts: Facts, digest: string, atMs: number): string | undefined {
    const young = isFresh(facts, atMs);
    if (facts.size > largestRead || (!young && !this.#same(key, facts))) return undefined;
    this.#known.delete(key);
    this.#known.set(key, { modified: facts.modified, size: facts.size, digest, settled: !young });
    if (this.#known.size > remembered) this.#known.delete(this.#known.keys().next().value!);
    return digest;
  }

  /** Whether a file is in the state that a version names. */
  async isAt(connection: Connection, key: Key, facts: Facts, version: Version): Promise<boolean> {
    const digest = digestIn(version);
    if (versionOf(facts, digest) !== version) return false;
    return digest === undefined || digest === await digestAt(connection, await this.#place.pathOf(connection, key), facts);
  }

  #same(key: Key, { modified, size }: Facts): Known | undefined {
    const known = this.#known.get(key);
    return known && known.modified === modified && known.size === size ? known : undefined;
  }
}

/** The digest of what is at `path`; `undefined` when it is not what it was. */
async function digestAt(connection: Connection, path: string, facts: Facts): Promise<string | undefined> {
  if (facts.kind === 'link') return digestOfBytes(Buffer.from(await readLink(connection, path)));
  const whole = await readWhole(connection, path, facts);
  return whole && digestOfBytes(whole.bytes);
}

/** Short, because it stands in every version. */
export function digestOfBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 32);
}

/** As {@link digestOfBytes}, of content of any size. */
export async function digestOfBlob(content: Content & { readonly kind: 'blob' }): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of content.bytes()) hash.update(chunk);
  return hash.digest('hex').slice(0, 32);
}
