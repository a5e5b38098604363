import { Gate } from '../../lib/gate.ts';
import { limits } from '../../lib/limits.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { compareKeys } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import type { Page, Problem } from '../../model/store.ts';
import { outermost } from '../tree/outermost.ts';
import { PassedOver } from '../tree/passed-over.ts';
import { flawOf, isHidden, parentOf, temporaryPrefix } from '../tree/paths.ts';
import type { Connection } from './connection.ts';
import { statOfFile } from './facts.ts';
import type { Facts, Named } from './facts.ts';
import { isMissing } from './failure.ts';
import { classify, directoriesTo } from './links.ts';
import { Parents } from './parents.ts';
import type { Place } from './place.ts';
import { list, lookAt } from './remote.ts';
import type { States } from './states.ts';

export interface WalkOptions {
  readonly place: Place;
  readonly states: States;
  /** Only these and what is below them, each as it is found, or nothing where there is nothing. Absent: all. */
  readonly under: readonly Key[] | undefined;
  /** For what is asked about single files. */
  readonly gate: Gate;
  readonly signal: AbortSignal | undefined;
  /** Told of every file that a dead run may have left behind. */
  readonly onLeftover: (key: Key) => void;
}

/** A name, and what it is: directories end with a slash, which is how they take part in the order. */
interface Listed {
  readonly name: string;
  readonly facts: Facts;
}

interface Level {
  /** Empty, or ending with a slash. */
  readonly prefix: string;
  readonly names: readonly Listed[];
  next: number;
  /** Up to where the directories among the names were asked for ahead of their turn, and how many of those it still is. */
  ahead: number;
  pending: number;
}

/** Directories of one level that are listed ahead of their turn. */
const listedAhead = 8;

/** The files below a root, in key order. Directories are listed some ahead of their turn. */
export class Walk {
  readonly #options: WalkOptions;
  readonly #passedOver: PassedOver;
  readonly #gate: Gate;
  readonly #listings = new Map<Key, Promise<readonly Listed[]>>();
  #problems: Problem[] = [];

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#passedOver = new PassedOver(options.place.host);
    this.#gate = options.gate;
  }

  async *pages(): AsyncGenerator<Page> {
    const { under, signal } = this.#options;
    const whole = under === undefined || under.includes('');
    let found: (Listed & { readonly key: Key })[] = [];
    const levels: Level[] = [{ prefix: '', names: whole ? await this.#list('') : await this.#named(under), next: 0, ahead: 0, pending: 0 }];
    for (let level = levels.at(-1); level; level = levels.at(-1)) {
      this.#lookAhead(level);
      const listed = level.names[level.next++];
      if (listed === undefined) {
        levels.pop();
        continue;
      }
      const key = level.prefix + listed.name;
      if (listed.name.endsWith('/')) {
        const names = await this.#listed(key, level);
        if (names) levels.push({ prefix: key, names, next: 0, ahead: 0, pending: 0 });
      } else found.push({ ...listed, key });
      if (found.length + this.#problems.length >= limits.pageEntries) {
        yield await this.#page(found);
        found = [];
      }
    }
    signal?.throwIfAborted();
    if (found.length + this.#problems.length > 0) yield await this.#page(found);
    this.#passedOver.end();
  }

  async #page(found: readonly (Listed & { readonly key: Key })[]): Promise<Page> {
    const { place, states, signal } = this.#options;
    signal?.throwIfAborted();
    const digests = new Map<Key, string>();
    await this.#gate.each(found.filter(({ key, facts }) => states.mustRead(key, facts)), async ({ key, facts }) => {
      const digest = await place.session.run(place.about('read', key), (connection) => states.digestOf(connection, key, facts), signal).catch((cause: unknown) => {
        // It is there, and whoever wants its content will hear that it cannot be had.
        if (cause instanceof SyncError && (cause.code === 'denied' || cause.code === 'not-found')) return undefined;
        throw cause;
      });
      if (digest !== undefined) digests.set(key, digest);
    });
    const entries = found.map(({ key, facts }): Entry => ({ key, place: place.shown(key), ...statOfFile(facts, digests.get(key) ?? states.known(key, facts)), ...(facts.kind === 'link' && { attributes: { link: true } }) }));
    const problems = this.#problems;
    this.#problems = [];
    return problems.length > 0 ? { entries, problems } : { entries };
  }

  /** Asks for the next directories of a level, so that their listings are there when their turn comes. */
  #lookAhead(level: Level): void {
    level.ahead = Math.max(level.ahead, level.next);
    while (level.pending < listedAhead && level.ahead < level.names.length) {
      const { name } = level.names[level.ahead++]!;
      if (!name.endsWith('/')) continue;
      const listing = this.#list(level.prefix + name);
      // It may fail before its turn comes.
      listing.catch(() => {});
      this.#listings.set(level.prefix + name, listing);
      level.pending++;
    }
  }

  /** The names in a directory; `undefined` where it cannot be listed. */
  async #listed(key: Key, level: Level): Promise<readonly Listed[] | undefined> {
    const ahead = this.#listings.get(key);
    if (this.#listings.delete(key)) level.pending--;
    try {
      return await (ahead ?? this.#list(key));
    } catch (cause) {
      this.#fail(key.slice(0, -1), cause);
      return undefined;
    }
  }

  /** What is gone by now was never there; what may not be looked at is a problem. */
  #fail(key: Key, cause: unknown): void {
    if (!(cause instanceof SyncError) || !['not-found', 'denied', 'invalid'].includes(cause.code)) throw cause;
    if (!isMissing(cause.cause)) this.#problems.push({ place: this.#options.place.shown(key), error: cause });
  }

  #list(prefix: Key): Promise<readonly Listed[]> {
    const { place, signal } = this.#options;
    const directory = prefix.replace(/\/$/, '');
    return place.session.run(place.about('list', directory), async (connection) => {
      const names = await list(connection, directory === '' ? await place.root(connection) : await place.pathOf(connection, directory));
      signal?.throwIfAborted();
      const listed: Listed[] = [];
      const doubtful: Named[] = [];
      for (const named of names) {
        if (!this.#takesPart(prefix, named)) continue;
        const { name, facts } = named;
        if (!facts || name.includes('\uFFFD') || (facts.kind !== 'file' && facts.kind !== 'directory')) doubtful.push(named);
        else listed.push({ name: facts.kind === 'directory' ? `${name}/` : name, facts });
      }
      for (const one of await new Gate(listedAhead).each(doubtful, (named) => this.#look(connection, prefix, named))) if (one) listed.push(one);
      return listed.sort((one, other) => compareKeys(one.name, other.name));
    }, signal);
  }

  #takesPart(prefix: Key, { name }: Named): boolean {
    if (name === '.' || name === '..' || name === '' || name.includes('/')) return false;
    if (name.startsWith(temporaryPrefix)) {
      this.#options.onLeftover(prefix + name);
      return false;
    }
    return this.#options.place.hidden === 'include' || !name.startsWith('.');
  }

  /** What a name in a listing stands for; `undefined` where it takes no part. */
  async #look(connection: Connection, prefix: Key, { name, facts: told }: Named): Promise<Listed | undefined> {
    const { place } = this.#options;
    const key = prefix + name;
    const facts = name.includes('\uFFFD') || !told ? await lookAt(connection, await place.pathOf(connection, key)) : told;
    if (!facts) {
      // U+FFFD stands for bytes that are no UTF-8; such a name leads nowhere when it is used.
      if (name.includes('\uFFFD')) this.#problems.push({ place: place.shown(key), error: new SyncError('invalid', `the name of ${place.shown(key)} is not UTF-8`, { hint: 'rename it' }) });
      return undefined;
    }
    const { kind, facts: behind } = await classify(connection, place, key, facts);
    if (kind === 'file') return { name, facts: behind };
    if (kind === 'directory') return { name: `${name}/`, facts: behind };
    this.#passedOver.add(kind, place.shown(key));
    return undefined;
  }

  /** What there is of the keys a walk is narrowed to, as names below the root. */
  async #named(under: readonly Key[]): Promise<readonly Listed[]> {
    const { place, signal } = this.#options;
    const keys = outermost(under).filter((key) => flawOf(key) === undefined && !(place.hidden === 'skip' && isHidden(key)));
    const parents = new Parents(place);
    const found = await this.#gate.each(keys, async (key): Promise<Listed | undefined> => {
      try {
        return await place.session.run(place.about('look at', key), async (connection) => {
          const above = await parents.above(connection, key);
          if (above !== 'directory' && !(above === 'link' && place.links === 'follow' && await directoriesTo(connection, place, parentOf(key)))) return undefined;
          return await this.#look(connection, '', { name: key });
        }, signal);
      } catch (cause) {
        this.#fail(key, cause);
        return undefined;
      }
    });
    return found.filter((one) => one !== undefined).sort((one, other) => compareKeys(one.name, other.name));
  }
}
