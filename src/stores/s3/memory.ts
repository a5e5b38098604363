import type { Facts } from '../../model/facts.ts';
import type { Host } from '../../model/host.ts';
import type { S3Client } from './client.ts';

/** A service may be updated without saying so: what was found out is tried again after a week. */
const believedMs = 7 * 24 * 60 * 60 * 1_000;
/** Goes up when what is tried, or how it is written down, changes. */
const edition = 1;

interface Note {
  readonly edition: number;
  readonly server: string;
  readonly found: unknown;
}

/** What was found out about a bucket in earlier runs. It is believed for a week, and of the server that it was found out about. */
export class BucketMemory {
  readonly #facts: Facts | undefined;
  readonly #client: S3Client;
  readonly #host: Host;
  /** Names of what was recalled, by the server it was found out about. */
  readonly #recalled = new Map<string, string>();

  constructor(facts: Facts | undefined, client: S3Client, host: Host) {
    this.#facts = facts;
    this.#client = client;
    this.#host = host;
  }

  /** What was found out under a name, provided that the same server answers now; which costs a request where none was sent yet. */
  async recall(name: string): Promise<unknown> {
    const fact = this.#facts?.get(name);
    if (!fact) return undefined;
    const ageMs = this.#host.now() - fact.at;
    const note = ageMs >= 0 && ageMs < believedMs ? read(fact.text) : undefined;
    if (note && this.#client.server === undefined) await this.#client.send({ method: 'HEAD' });
    if (!note || note.server !== this.#client.server) {
      this.#facts?.set(name, undefined);
      return undefined;
    }
    this.#recalled.set(name, note.server);
    return note.found;
  }

  /** Whether what was recalled is of a server that no longer answers. */
  isStale(name: string): boolean {
    const server = this.#recalled.get(name);
    return server !== undefined && server !== this.#client.server;
  }

  remember(name: string, found: unknown): void {
    this.#recalled.delete(name);
    const { server } = this.#client;
    if (server !== undefined) this.#facts?.set(name, { text: JSON.stringify({ edition, server, found } satisfies Note), at: this.#host.now() });
  }

  /** Gives up what was recalled, because the service did otherwise. Whether there was anything to give up. */
  forget(name: string): boolean {
    if (!this.#recalled.delete(name)) return false;
    this.#facts?.set(name, undefined);
    return true;
  }
}

function read(text: string): Note | undefined {
  try {
    const note = JSON.parse(text) as Note;
    return note.edition === edition ? note : undefined;
  } catch {
    return undefined;
  }
}
