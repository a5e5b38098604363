import { ByteBudget } from '../../lib/byte-budget.ts';
import { SyncError } from '../../model/errors.ts';
import type { Entry } from '../../model/entry.ts';
import type { Host } from '../../model/host.ts';
import type { KeepingRules } from '../../model/keeping.ts';
import type { Key } from '../../model/key.ts';
import type { SwiftClient } from './client.ts';
import { pathOf } from './client.ts';
import type { About } from './failure.ts';
import type { ObjectFacts } from './object-facts.ts';
import { factsOf } from './object-facts.ts';

/** The longest name an object can have, in UTF-8 bytes. */
export const nameBytes = 1_024;

/** One container, or the part of it below a prefix, and how to reach it. */
export class SwiftContext {
  readonly client: SwiftClient;
  readonly host: Host;
  readonly container: string;
  /** With a slash at its end, unless it is empty. */
  readonly prefix: string;
  readonly segmentContainer: string;
  readonly segmentBytes: number;
  /** The same for all containers of one account. */
  readonly service: string;
  readonly keeping: KeepingRules | undefined;
  /** Bytes of segments that may be held at once. */
  readonly memoryBytes: number;
  readonly memory: ByteBudget;
  readonly #create: boolean;
  readonly #creating = new Map<string, Promise<void>>();
  #unsupplied: unknown;

  constructor({ client, host, container, prefix, segmentContainer, segmentBytes, service, keeping, memoryBytes, create }: Pick<SwiftContext, 'client' | 'host' | 'container' | 'prefix' | 'segmentContainer' | 'segmentBytes' | 'service' | 'keeping' | 'memoryBytes'> & { readonly create: boolean }) {
    this.client = client;
    this.host = host;
    this.container = container;
    this.prefix = prefix;
    this.segmentContainer = segmentContainer;
    this.segmentBytes = segmentBytes;
    this.service = service;
    this.keeping = keeping;
    this.memoryBytes = memoryBytes;
    this.memory = new ByteBudget(memoryBytes);
    this.#create = create;
  }

  /** As messages show it. */
  get name(): string {
    return `swift://${this.container}${this.prefix === '' ? '' : `/${this.prefix.slice(0, -1)}`}`;
  }

  nameOf(key: Key): string {
    return this.prefix + key;
  }

  pathOf(key: Key): string {
    return pathOf(this.container, this.prefix + key);
  }

  about(doing: string, key?: Key): About {
    return key === undefined ? { doing, place: this.name, details: { store: this.name } } : { doing, place: `${this.name}/${key}`, details: { store: this.name, key } };
  }

  /** Why a key cannot be the name of an object. */
  flawOf(key: Key): string | undefined {
    if (key === '') return 'it is empty';
    if (!key.isWellFormed()) return 'it is not well-formed Unicode';
    if (key.includes('\0')) return 'it holds a NUL character';
    if (Buffer.byteLength(this.prefix + key) > nameBytes) return `with its prefix it is longer than ${nameBytes} bytes`;
    return undefined;
  }

  /** The head of an object; `undefined` where there is none. */
  async look(key: Key, signal: AbortSignal | undefined): Promise<ObjectFacts | undefined> {
    const answer = await this.client.request({ method: 'HEAD', path: this.pathOf(key), wanted: [200, 204, 404], about: this.about('look at', key), signal });
    return answer.status === 404 ? undefined : factsOf(answer.headers);
  }

  entryOf(key: Key, { stat }: ObjectFacts): Entry {
    return { key, place: `${this.name}/${key}`, ...stat };
  }

  /** Why there is no container to write to, where that is so. */
  get unsupplied(): unknown {
    return this.#unsupplied;
  }

  /** Makes a container that is missing, once; throws where that was not asked for. The one for segments is always made. */
  async supply(container: string, signal: AbortSignal | undefined): Promise<void> {
    try {
      if (container === this.container && !this.#create) throw this.missing();
      await this.#make(container, signal);
    } catch (error) {
      if (container === this.container) this.#unsupplied = error;
      throw error;
    }
  }

  async #make(container: string, signal: AbortSignal | undefined): Promise<void> {
    let creating = this.#creating.get(container);
    if (creating === undefined) {
      const about: About = { doing: 'create the container', place: container, details: { store: this.name } };
      creating = this.client.request({ method: 'PUT', path: pathOf(container), wanted: [201, 202], about, signal }).then(() => {});
      this.#creating.set(container, creating);
      const forget = (): void => { this.#creating.delete(container); };
      creating.then(forget, forget);
    }
    await creating;
  }

  /** The error for a container that is not there. */
  missing(): SyncError {
    return new SyncError('not-found', `the container ${this.container} does not exist`, { store: this.name, hint: 'check its name, the project and the region, or have it created with the option create' });
  }
}
