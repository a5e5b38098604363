import type { Credentials } from '../../lib/http/credentials.ts';
import type { Http, HttpResponse } from '../../lib/http/client.ts';
import type { HttpUrl } from '../../lib/http/url.ts';
import { linkTargets } from '../../lib/http/link-header.ts';
import { atOrigin, canonicalUrl, parseUrl, printableUrl, urlText } from '../../lib/http/url.ts';
import { Limit } from '../../lib/limit.ts';
import type { ResponseCache } from '../../lib/response-cache.ts';
import type { Collection } from '../../model/collection.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { CallOptions, Capabilities, Outcome, Page, ScanOptions, Store, Write } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import type { Schema } from '../../schema/schema.ts';
import { firstUnnamed } from '../../schema/unnamed.ts';
import type { RestContext, RestSettings, RestWriter, Tagged } from './context.ts';
import { etagOf, versionOf } from './context.ts';
import type { Fetched } from './crawl.ts';
import { crawl } from './crawl.ts';
import { statusFailure, toRestError } from './failure.ts';
import type { Fetching } from './fetch.ts';
import { get } from './fetch.ts';
import { inFull } from './listing.ts';
import { documentOf as documentIn, valueOf } from './read-value.ts';
import { restWriter } from './write.ts';

export interface RestStoreOptions {
  readonly base: HttpUrl;
  readonly http: Http;
  readonly credentials: Credentials;
  readonly schema: Schema;
  readonly settings: RestSettings;
  readonly capabilities: Capabilities;
  readonly responses: ResponseCache | undefined;
  readonly host: Host;
}

/** The resources of a REST API, found by following links from one address. */
export class RestStore implements Store {
  readonly name: string;
  readonly identity: string;
  /** A resource is the same whichever of the API's addresses the crawl begins at. */
  readonly realm: string;
  readonly capabilities: Capabilities;
  readonly #context: RestContext;
  readonly #fetching: Fetching;
  readonly #writer: RestWriter;

  constructor({ base, http, credentials, schema, settings, capabilities, responses, host }: RestStoreOptions) {
    this.name = printableUrl(urlText(base));
    this.identity = canonicalUrl({ origin: base.origin, path: base.path.replace(/\/+(?=$|\?)/, '') });
    this.realm = base.origin;
    this.capabilities = capabilities;
    this.#fetching = { http, limit: settings.limit, responses, origin: base.origin, identity: credentials.fingerprint };
    this.#context = {
      name: this.name, base, http, schema, settings, host,
      redact: (text) => credentials.redact(text),
      urlOf: (address) => urlText(atOrigin(base.origin, address)),
      addressOf: (ref) => addressOf(ref, this.name),
      // What decides on a write is seen as it is now.
      readEntry: (ref, options) => this.#readEntry(ref, { ...this.#fetching, responses: undefined }, options),
      documentOf: (response) => schema.rooted(documentIn(response), response.url),
    };
    this.#writer = restWriter(this.#context);
  }

  async *scan({ signal, collections }: ScanOptions = {}): AsyncGenerator<Page> {
    const { base, schema, settings, host } = this.#context;
    const ended = new AbortController();
    const either = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]);
    try {
      const pages = crawl({
        starts: collections?.map((address) => atOrigin(base.origin, address)) ?? [base],
        ...(collections && { collections }),
        follow: collections === undefined ? settings.follow : 'page',
        schema,
        concurrency: settings.concurrency,
        fetch: (url) => this.#fetch(url, either),
        log: (level, message) => host.log(level, message),
      });
      const readEntry = (ref: Ref, options?: CallOptions): Promise<Tagged | undefined> => this.#readEntry(ref, this.#fetching, options);
      yield* collections === undefined ? pages : inFull(pages, { readEntry, concurrency: settings.concurrency, signal: either, log: (message) => host.log('info', message) });
    } finally {
      ended.abort();
    }
  }

  async read(refs: readonly Ref[], { signal }: CallOptions = {}): Promise<readonly (Entry | undefined)[]> {
    const entries: (Entry | undefined)[] = Array.from(refs, () => undefined);
    const ended = new AbortController();
    const either = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]);
    const limit = new Limit(this.#context.settings.concurrency);
    try {
      for (const [i, ref] of refs.entries()) {
        await limit.add(async () => {
          entries[i] = (await this.#readEntry(ref, this.#fetching, { signal: either }))?.entry;
        });
      }
      await limit.drain();
    } finally {
      ended.abort();
    }
    return entries;
  }

  /** Resources keep their own path, so a path in the endpoint narrows it to what lies at or below that path. */
  covers({ address }: Ref): boolean {
    const within = this.#context.base.path.replace(/\?.*$/, '').replace(/\/+$/, '');
    return within === '' || address === undefined || address === within || ['/', '?'].includes(address.startsWith(within) ? address.charAt(within.length) : '');
  }

  /** Makes nothing. Throws where no record of a described collection says where it is. */
  async prepare(collections: readonly Collection[]): Promise<void> {
    const unnamed = firstUnnamed(collections, this.#context.schema);
    if (unnamed) throw new SyncError('unsupported', `the records of ${unnamed.collection} have no ${unnamed.missing}, so nothing says where they are to be at ${this.name}`, { store: this.name, hint: `give them self links, ${orByPattern}` });
  }

  async checkPrepare(collections: readonly Collection[]): Promise<void> {
    await this.prepare(collections);
  }

  write(batch: readonly Write[], options?: CallOptions): Promise<readonly Outcome[]> {
    return this.#writer.write(batch, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.http[Symbol.asyncDispose]();
  }

  async #readEntry(ref: Ref, fetching: Fetching, { signal }: CallOptions = {}): Promise<Tagged | undefined> {
    const url = this.#context.urlOf(this.#context.addressOf(ref));
    const response = await this.#get(url, fetching, signal);
    if (response.status === 404 || response.status === 410) return undefined;
    if (response.status !== 200) throw statusFailure(response, this.#context);
    return { entry: entryOf(ref, response, this.#context), etag: etagOf(response.headers) };
  }

  async #fetch(url: string, signal: AbortSignal): Promise<Fetched | SyncError> {
    try {
      const response = await this.#get(url, this.#fetching, signal);
      if (response.status !== 200) return statusFailure(response, this.#context);
      return { value: valueOf(response), url: parseUrl(response.url) as HttpUrl, next: linkTargets(response.headers['link'] ?? '', 'next')[0] };
    } catch (error) {
      if (error instanceof SyncError && error.code !== 'interrupted') return error;
      throw error;
    }
  }

  async #get(url: string, fetching: Fetching, signal: AbortSignal | undefined): Promise<HttpResponse> {
    try {
      const response = await get(url, fetching, signal);
      this.#context.host.log('info', `GET ${printableUrl(url)}: ${response.status}`);
      return response;
    } catch (error) {
      throw toRestError(error, this.name);
    }
  }
}

const orByPattern = 'or say with --address where its collection is, as in /api/{collection}/{id}, and have it named by its field id';

function addressOf({ address, key }: Ref, store: string): string {
  if (address === undefined) throw new SyncError('unsupported', `${key} has no address of its own, so it cannot be found at ${store}`, { store, key, hint: `give it a self link, ${orByPattern}` });
  return address;
}

function entryOf({ key, address, collection }: Ref, response: HttpResponse, { schema, documentOf }: Pick<RestContext, 'schema' | 'documentOf'>): Entry {
  const document = documentOf(response);
  const digest = digestDocument(document, schema);
  const identity = schema.identify(document, response.url);
  return {
    key,
    ...(address !== undefined && { address }),
    ...(collection !== undefined && { collection }),
    ...(!('problem' in identity) && identity.dependsOn.length > 0 && { dependsOn: identity.dependsOn }),
    version: versionOf(digest),
    digest,
    content: { kind: 'document', document },
    place: printableUrl(response.url),
  };
}
