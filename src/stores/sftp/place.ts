import type { Host } from '../../model/host.ts';
import type { Key } from '../../model/key.ts';
import { below } from '../tree/paths.ts';
import type { Connection } from './connection.ts';
import { Flow } from './flow.ts';
import { lookAt, realPath } from './remote.ts';
import type { About, Session } from './session.ts';

/** What becomes of symbolic links; as in a tree on this machine. */
export type Links = 'skip' | 'follow' | 'files' | 'keep';

export interface PlaceOptions {
  readonly session: Session;
  readonly host: Host;
  /** How messages call it. */
  readonly name: string;
  /** An absolute path without a slash at its end, or one that begins with `~` for the folder one is in after logging in. */
  readonly root: string;
  readonly links: Links;
  readonly hidden: 'include' | 'skip';
}

/** A directory on a server: what all that is done there goes by. */
export class Place {
  readonly session: Session;
  readonly host: Host;
  readonly name: string;
  readonly links: Links;
  readonly hidden: 'include' | 'skip';
  readonly flow: Flow = new Flow();
  readonly #root: string;
  #absolute: string | undefined;

  constructor({ session, host, name, root, links, hidden }: PlaceOptions) {
    this.session = session;
    this.host = host;
    this.name = name;
    this.links = links;
    this.hidden = hidden;
    this.#root = root;
  }

  /** The directory, as an absolute path. */
  async root(connection: Connection): Promise<string> {
    return (this.#absolute ??= await this.#resolve(connection));
  }

  /** Where an entry is. */
  async pathOf(connection: Connection, key: Key): Promise<string> {
    return below(await this.root(connection), key);
  }

  /** Whether the directory is there; something else in its place counts as well. */
  async isThere(connection: Connection): Promise<boolean> {
    return (await lookAt(connection, await this.root(connection))) !== undefined;
  }

  /** How an entry is called in messages. */
  shown(key: Key): string {
    return below(this.name, key);
  }

  about(doing: string, key?: Key): About {
    return key === undefined ? { doing, place: this.name, details: { store: this.name } } : { doing, place: this.shown(key), details: { store: this.name, key } };
  }

  async #resolve(connection: Connection): Promise<string> {
    if (!this.#root.startsWith('~')) return this.#root === '' ? '/' : this.#root;
    const home = (await realPath(connection, '.')) ?? '/';
    const rest = this.#root.slice(2);
    return rest === '' ? home : below(home, rest);
  }
}
