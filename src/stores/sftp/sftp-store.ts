import { Gate } from '../../lib/gate.ts';
import { limits } from '../../lib/limits.ts';
import { heldBlob, unreadableBlob } from '../../model/blob.ts';
import type { Entry, Ref, Version } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import type { CallOptions, Capabilities, Outcome, Page, ScanOptions, Store, Write } from '../../model/store.ts';
import { flawOf, isHidden, parentOf } from '../tree/paths.ts';
import type { Connection } from './connection.ts';
import { attributesOf, statOfFile } from './facts.ts';
import type { Facts } from './facts.ts';
import { Refusal, sftpError } from './failure.ts';
import { classify, directoriesTo } from './links.ts';
import { Parents } from './parents.ts';
import type { Place } from './place.ts';
import { fileBlob, readWhole } from './reading.ts';
import { fileSystemOf, lookAt, lookBehind, readLink, realPath, remove } from './remote.ts';
import { digestOfBytes, States } from './states.ts';
import { Walk } from './walk.ts';
import { SftpWriter } from './writer.ts';

/** What a directory on a server can do. The protocol tells times in seconds and knows no conditions but that a name is free. */
export const sftpCapabilities: Capabilities = {
  holds: 'blobs',
  order: 'key',
  enumerates: 'all',
  reads: 'cheap',
  modifiedAt: 'kept',
  modifiedAtPrecision: 1_000_000,
  digests: [],
  versions: 'likely',
  expects: ['absent'],
  deletes: true,
  dependencies: 'ignored',
  visibility: 'immediate',
  limits: { batchEntries: 500, inFlight: 2, keyBytes: 3_000 },
};

/** Files up to this size are read in one go, */
const smallBytes = 256 * 1024;

/** as long as those of one call do not hold more than this in memory; the others are read when their content is asked for. */
const heldBytes = 16 * 1024 * 1024;

/** A draft this old belongs to no run. */
const leftoverAgeMs = 24 * 60 * 60 * 1_000;

export interface SftpStoreOptions {
  readonly identity: string;
  readonly place: Place;
  /** Files under way at once. */
  readonly concurrency: number;
  readonly durable: boolean;
  /** Whether a directory that does not exist is empty, because the first write makes it. */
  readonly missingIsEmpty: boolean;
  /** The longest key. */
  readonly keyBytes: number;
}

/** A directory on a server that speaks SFTP, as a store of blobs: keys are paths relative to it. Every write is atomic where the server can rename in one step. */
export class SftpStore implements Store {
  readonly name: string;
  readonly identity: string;
  readonly capabilities: Capabilities;
  readonly #place: Place;
  readonly #options: SftpStoreOptions;
  readonly #states: States;
  readonly #gate: Gate;
  readonly #writer: SftpWriter;
  #leftovers: Key[] = [];

  constructor(options: SftpStoreOptions) {
    const { place, identity, concurrency, durable, keyBytes } = options;
    this.name = place.name;
    this.identity = identity;
    this.capabilities = { ...sftpCapabilities, limits: { ...sftpCapabilities.limits, keyBytes } };
    this.#options = options;
    this.#place = place;
    this.#gate = new Gate(concurrency);
    this.#states = new States(place);
    this.#writer = new SftpWriter({ place, states: this.#states, gate: this.#gate, durable, keyBytes });
  }

  async *scan({ signal, under }: ScanOptions = {}): AsyncGenerator<Page> {
    signal?.throwIfAborted();
    const place = this.#place;
    const found = await place.session.run(place.about('list'), async (connection) => lookBehind(connection, await place.root(connection)), signal);
    if (!found) {
      if (this.#options.missingIsEmpty) return;
      throw new SyncError('not-found', `${this.name} does not exist`, { store: this.name, hint: 'check the path' });
    }
    if (found.kind !== 'directory') throw new SyncError('invalid', `${this.name} is not a directory`, { store: this.name, hint: 'name a directory' });
    this.#leftovers = [];
    const onLeftover = (key: Key): void => { if (this.#leftovers.length < limits.listedFailures) this.#leftovers.push(key); };
    yield* new Walk({ place, states: this.#states, under, gate: this.#gate, signal, onLeftover }).pages();
  }

  async read(refs: readonly Ref[], { signal }: CallOptions = {}): Promise<readonly (Entry | undefined)[]> {
    signal?.throwIfAborted();
    const place = this.#place;
    const parents = new Parents(place);
    const budget = { bytes: heldBytes };
    return this.#gate.each(refs, async ({ key }) => place.session.run(place.about('read', key), (connection) => this.#read(connection, key, parents, budget), signal));
  }

  async isStill(asked: readonly { readonly ref: Ref; readonly version: Version }[], { signal }: CallOptions = {}): Promise<readonly boolean[]> {
    signal?.throwIfAborted();
    const place = this.#place;
    return this.#gate.each(asked, async ({ ref: { key }, version }) => place.session.run(place.about('read', key), async (connection) => {
      const facts = await lookAt(connection, await place.pathOf(connection, key));
      const found = facts && await classify(connection, place, key, facts);
      return found?.kind === 'file' && this.#states.isAt(connection, key, found.facts, version);
    }, signal));
  }

  async write(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    signal?.throwIfAborted();
    if (this.#leftovers.length > 0) await this.#removeLeftovers();
    return this.#writer.write(batch, signal);
  }

  /** Which file system of the server it is on, where the server says. */
  async fingerprint({ signal }: CallOptions = {}): Promise<string | undefined> {
    const place = this.#place;
    return place.session.run(place.about('look at'), async (connection) => {
      const root = await place.root(connection);
      return (await realPath(connection, root)) === undefined || !await lookBehind(connection, root) ? undefined : fileSystemOf(connection, root);
    }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#place.session.close();
  }

  async #read(connection: Connection, key: Key, parents: Parents, budget: { bytes: number }): Promise<Entry | undefined> {
    const place = this.#place;
    if (flawOf(key) !== undefined || (place.hidden === 'skip' && isHidden(key))) return undefined;
    const above = await parents.above(connection, key);
    if (above !== 'directory' && !(above === 'link' && place.links === 'follow' && await directoriesTo(connection, place, parentOf(key)))) return undefined;
    const path = await place.pathOf(connection, key);
    const facts = await lookAt(connection, path);
    const found = facts && await classify(connection, place, key, facts);
    return found?.kind === 'file' ? this.#entryOf(connection, key, path, found.facts, budget) : undefined;
  }

  async #entryOf(connection: Connection, key: Key, path: string, facts: Facts, budget: { bytes: number }): Promise<Entry> {
    const place = this.#place;
    const entry = { key, place: place.shown(key), attributes: attributesOf(facts) };
    if (facts.kind === 'link') {
      const bytes = Buffer.from(await readLink(connection, path));
      return { ...entry, ...statOfFile(facts, this.#states.note(key, facts, digestOfBytes(bytes), place.host.now())), content: heldBlob(bytes) };
    }
    // What was written to just now may be written to again, and is taken in one go, as a small file is.
    const mustRead = this.#states.mustRead(key, facts);
    if ((facts.size <= smallBytes || mustRead) && facts.size <= budget.bytes) {
      budget.bytes -= facts.size;
      const now = place.host.now();
      try {
        const whole = await readWhole(connection, path, facts);
        if (whole) return { ...entry, ...statOfFile(facts, mustRead ? this.#states.note(key, facts, digestOfBytes(whole.bytes), now) : this.#states.known(key, facts)), content: heldBlob(whole.bytes) };
      } catch (cause) {
        if (!(cause instanceof Refusal)) throw cause;
        // The entry is there; only whoever wants its content has to hear that it cannot be had.
        return { ...entry, ...statOfFile(facts), content: unreadableBlob(sftpError(cause, 'read', place.shown(key), { store: this.name, key })) };
      }
    }
    const digest = await this.#states.digestOf(connection, key, facts);
    return { ...entry, ...statOfFile(facts, digest), content: fileBlob({ place, path: (again) => place.pathOf(again, key), facts, about: place.about('read', key) }) };
  }

  async #removeLeftovers(): Promise<void> {
    const place = this.#place;
    await this.#gate.each(this.#leftovers.splice(0), async (key) => {
      try {
        await place.session.run(place.about('remove the leftover', key), async (connection) => {
          const path = await place.pathOf(connection, key);
          const facts = await lookAt(connection, path);
          if (facts?.kind === 'file' && place.host.now() - facts.modified * 1e3 > leftoverAgeMs) await remove(connection, path);
        });
      } catch (cause) {
        place.host.log('warn', (cause as Error).message);
      }
    });
  }
}
