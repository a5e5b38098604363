import { HttpFailure } from '../../lib/http/http-failure.ts';
import type { HttpUrl } from '../../lib/http/url.ts';
import { canonicalUrl, parseUrl, printableUrl, resolveUrl, urlText } from '../../lib/http/url.ts';
import { SeenSet } from '../../lib/seen-set.ts';
import { TextQueue } from '../../lib/text-queue.ts';
import type { Value } from '../../model/document.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Page, Problem } from '../../model/store.ts';
import type { Link, Schema } from '../../schema/schema.ts';
import { isCollection, spellings } from './collection.ts';
import type { Follow } from './context.ts';
import { NextPages } from './next-page.ts';
import { unpack } from './unpack.ts';

/** A fetched document. */
export interface Fetched {
  readonly value: Value;
  /** Where it came from, after redirects. */
  readonly url: HttpUrl;
  /** The next page that came with it and not in it, as it was written. */
  readonly next?: string | undefined;
}

export interface CrawlOptions {
  readonly starts: readonly HttpUrl[];
  /**
   * Where given, each start is this collection's address: one that cannot be listed is a problem of that collection.
   * Otherwise a start that cannot be fetched ends the crawl.
   */
  readonly collections?: readonly string[];
  readonly follow: Follow;
  readonly schema: Schema;
  /** Fetches under way at once. */
  readonly concurrency: number;
  /** Resolves to an error for what may be left out, and rejects when nothing more can be fetched at all. */
  fetch(url: string): Promise<Fetched | SyncError>;
  log(level: 'debug' | 'info', message: string): void;
}

/** A place to go: what for, and where. */
interface Task {
  /** Which start it belongs to; -1 where it was found by another link than to a page. */
  readonly start: number;
  readonly url: string;
  readonly isStart: boolean;
}

interface Flight extends Task {
  readonly arrival: Promise<Fetched | SyncError>;
}

/**
 * Reads what the starts hold and lead to. Each place is fetched once and each resource yielded once, in an order that
 * depends on nothing but the answers: they are worked through in the order they were asked for, pages before the rest.
 */
export async function* crawl(options: CrawlOptions): AsyncGenerator<Page> {
  using frontier = new Frontier(options);
  const found = new Found(options);
  const flights: Flight[] = [];
  const launch = (): void => {
    while (flights.length < options.concurrency) {
      const task = frontier.next();
      if (task === undefined) return;
      const arrival = options.fetch(task.url);
      // It is awaited later, and by then a crawl that has failed elsewhere awaits nothing.
      arrival.catch(() => {});
      flights.push({ ...task, arrival });
    }
  };
  for (launch(); flights.length > 0; launch()) {
    const flight = flights.shift() as Flight;
    const arrived = await flight.arrival;
    const page = arrived instanceof SyncError ? failed(arrived, flight, options) : found.read(arrived, flight, frontier);
    // The next page is asked for before this one is handed on, so that the server works while we do.
    launch();
    if (page.entries.length > 0 || page.problems !== undefined) yield page;
  }
}

function failed(error: SyncError, { url, start, isStart }: Flight, { collections }: CrawlOptions): Page {
  const collection = collections?.[start];
  if (isStart && (collection === undefined || isCutOff(error))) throw error;
  return { entries: [], problems: [{ place: printableUrl(url), error, ...(collection !== undefined && { collection }) }] };
}

/** Whether the server as a whole cannot be talked to, so that its other collections need not be tried. */
function isCutOff({ details: { cause } }: SyncError): boolean {
  return cause instanceof HttpFailure && (cause.kind === 'unknown-host' || cause.kind === 'unreachable' || cause.kind === 'tls' || cause.kind === 'timeout');
}

/** Where to go next. Only the ends of its queues are in memory. */
class Frontier implements Disposable {
  readonly #options: CrawlOptions;
  readonly #pages = new TextQueue();
  readonly #others = new TextQueue();
  /** Places that were asked for or are waiting to be. */
  readonly #known = new SeenSet();
  /** Resources that were yielded: what is at hand need not be fetched. Kept only where links may lead to some. */
  readonly #held: SeenSet | undefined;
  #started = 0;

  constructor(options: CrawlOptions) {
    this.#options = options;
    this.#held = options.follow === 'all' || options.follow === 'child' || options.schema.name === 'simple' ? new SeenSet() : undefined;
  }

  next(): Task | undefined {
    const { starts } = this.#options;
    for (;;) {
      const page = this.#pages.shift();
      if (page !== undefined) {
        const space = page.indexOf(' ');
        const url = page.slice(space + 1);
        if (!this.#isHeld(url)) return { start: Number(page.slice(0, space)), url, isStart: false };
        continue;
      }
      const start = this.#started < starts.length ? starts[this.#started++] : undefined;
      if (start !== undefined) {
        if (this.#known.add(canonicalUrl(start)) === 'new' || this.#options.collections !== undefined) return { start: this.#started - 1, url: urlText(start), isStart: true };
        continue;
      }
      const url = this.#others.shift();
      if (url === undefined) return undefined;
      if (!this.#isHeld(url)) return { start: -1, url, isStart: false };
    }
  }

  /** Another way to write a place that was fetched. */
  know(url: HttpUrl): void {
    this.#known.add(canonicalUrl(url));
  }

  hold(url: HttpUrl): void {
    this.#held?.add(canonicalUrl(url));
  }

  /** Remembers to follow a link, if it is one that is followed and leads to somewhere new. */
  add({ relation, href }: Link, base: HttpUrl, start: number): void {
    const { follow, schema, log } = this.#options;
    if (!isFollowed(relation, follow, schema)) return;
    const target = resolveUrl(relation === 'prev' ? href.replace(/([?&]offset=)-\d+/, '$10') : href, base);
    if (target === undefined) return log('debug', `${printableUrl(urlText(base))}: link ${relation} does not lead to a web address and is passed over`);
    if (this.#known.add(canonicalUrl(target)) !== 'new') return;
    if (isPage(relation)) this.#pages.push(`${start} ${urlText(target)}`);
    else this.#others.push(urlText(target));
  }

  /** Whether what is there was yielded already. */
  #isHeld(text: string): boolean {
    const url = this.#held && parseUrl(text);
    return url !== undefined && this.#held?.has(canonicalUrl(url)) === true;
  }

  [Symbol.dispose](): void {
    this.#pages[Symbol.dispose]();
    this.#others[Symbol.dispose]();
  }
}

function isPage(relation: string): boolean {
  return relation === 'next' || relation === 'prev';
}

/** Section 5 of the behaviour this succeeds: pages unless told otherwise, children if asked for, or whatever there is. */
function isFollowed(relation: string, follow: Follow, { name }: Schema): boolean {
  if (follow === 'none' || relation === 'self' || relation === 'curies') return false;
  if (follow === 'all' || name === 'simple') return true;
  return isPage(relation) || (follow === 'child' && relation.startsWith('child:'));
}

/** Turns documents into pages of entries, each resource once. */
class Found {
  readonly #options: CrawlOptions;
  readonly #yielded = new SeenSet();
  readonly #next: NextPages;

  constructor(options: CrawlOptions) {
    this.#options = options;
    this.#next = new NextPages(options.schema);
  }

  read(fetched: Fetched, { start, isStart }: Task, frontier: Frontier): Page {
    const { schema, follow, log, collections } = this.#options;
    const { value, url } = fetched;
    const place = printableUrl(urlText(url));
    const collection = collections?.[start];
    for (const spelling of spellings(value, url)) frontier.know(spelling);
    if (collection !== undefined && isStart && !isCollection(value, schema)) {
      const error = new SyncError('unsupported', `${place} answers with something that is not a list of resources`, { hint: 'check that it is the address of a collection' });
      return { entries: [], problems: [{ place, error, collection }] };
    }
    const { entries, documents, problems } = unpack({ value, url, schema, log });
    const fresh = entries.filter((entry) => this.#isNew(entry, problems));
    for (const { address } of fresh) if (address !== undefined) frontier.hold({ origin: url.origin, path: address });
    for (const document of documents) {
      for (const link of schema.links(document, (message) => log('info', `${place}: ${message}`))) frontier.add(link, url, start);
    }
    const next = follow === 'none' ? undefined : this.#next.after(fetched, { start, isNew: fresh.length > 0 });
    if (next instanceof SyncError) problems.push({ place, error: next });
    else if (next) frontier.add({ relation: 'next', href: urlText(next) }, url, start);
    if (problems.length === 0) return { entries: fresh };
    return { entries: fresh, problems: collection === undefined ? problems : problems.map((problem) => ({ ...problem, collection })) };
  }

  /** Whether a resource comes up for the first time. Two that share a name are two resources of which only one can be kept. */
  #isNew({ key, address = '', place = key }: Entry, problems: Problem[]): boolean {
    const seen = this.#yielded.add(key, address);
    if (seen === 'different') {
      problems.push({ place, error: new SyncError('invalid', `${place} is called ${key}, as another resource is`, { key, hint: 'give each resource of a type its own id, or read their collections one at a time' }) });
    }
    return seen === 'new';
  }
}
