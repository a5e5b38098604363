import { elementOf, elementsOf, textOf } from '../../lib/aws/xml.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { compareKeys } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import type { Page, Problem } from '../../model/store.ts';
import { lookAt, placeOf, statFrom, tagOf } from './bucket.ts';
import type { Bucket } from './bucket.ts';
import { refusalError, wireError } from './failure.ts';
import { probePrefix } from './keys.ts';

export interface ListingOptions {
  /** Whether keys must come in order; where not, only their number is held to. */
  readonly ordered: boolean;
  readonly under: readonly Key[] | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What one listing is to find: everything that begins with a text, or just the one key. */
interface Segment {
  readonly prefix: Key;
  readonly exact: boolean;
}

interface Listed {
  readonly entries: readonly Entry[];
  /** Objects whose names it cannot tell. */
  readonly problems: readonly Problem[];
}

/** A page as it came, and what to ask for the next one with. */
interface Answered {
  readonly xml: string;
  readonly next: string | undefined;
}

/** Listings of single keys and small folders that are asked for ahead of time. */
const ahead = 16;

/** What a plus sign means in a listing whose keys are escaped: services differ. */
type Plus = 'space' | 'plus';

/** Lists a bucket. Whatever is doubtful about a listing makes it fail: deletions are decided on what is not in it. */
export class Listing {
  readonly #bucket: Bucket;
  #plus: Plus | undefined;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async *pages({ ordered, under, signal }: ListingOptions): AsyncGenerator<Page> {
    let last: Key | undefined;
    for await (const { entries, problems } of this.#all(segmentsOf(under), signal)) {
      if (ordered) {
        for (const { key } of entries) {
          if (last !== undefined && compareKeys(last, key) >= 0) throw this.#doubt(`${JSON.stringify(key)} comes after ${JSON.stringify(last)}`, 'give the option order=none, and the entries are sorted here');
          last = key;
        }
      }
      const own = entries.filter(({ key, size }) => !key.startsWith(probePrefix) && !(size === 0 && (key === '' || key.endsWith('/'))));
      if (own.length > 0 || problems.length > 0) yield { entries: own, problems };
    }
  }

  async *#all(segments: readonly Segment[], signal: AbortSignal | undefined): AsyncGenerator<Listed> {
    const first: Promise<Answered>[] = [];
    for (let i = 0; i < segments.length; i++) {
      for (let next = first.length; next < Math.min(segments.length, i + ahead); next++) {
        first.push(quietly(this.#ask(segments[next]!, undefined, signal)));
      }
      const segment = segments[i]!;
      for (let answer = await first[i]!; ;) {
        // The service is busy with the next page while this one is read.
        const next = answer.next === undefined ? undefined : quietly(this.#ask(segment, answer.next, signal));
        yield await this.#entries(answer, segment, signal);
        if (!next) break;
        const after = answer.next;
        answer = await next;
        if (answer.next === after) throw this.#doubt('it goes round in circles');
      }
    }
  }

  async #ask({ prefix, exact }: Segment, token: string | undefined, signal: AbortSignal | undefined): Promise<Answered> {
    signal?.throwIfAborted();
    const { client, name, bucket, prefix: base } = this.#bucket;
    const attempted = { verb: 'list', place: name, bucket, details: { store: name } };
    const query = { 'list-type': '2', 'encoding-type': 'url', 'prefix': base + prefix === '' ? undefined : base + prefix, 'max-keys': exact ? '1' : undefined, 'continuation-token': token };
    const answer = await client.send({ method: 'GET', query, signal }).catch((cause: unknown) => { throw wireError(cause, attempted); });
    if (answer.status !== 200) throw refusalError(answer, attempted, answer.attempts);
    const xml = answer.body.toString();
    if (!xml.trimEnd().endsWith('</ListBucketResult>')) throw this.#doubt('it breaks off');
    if (exact) return { xml, next: undefined };
    const truncated = textOf(xml, 'IsTruncated');
    if (truncated !== 'true' && truncated !== 'false') throw this.#doubt('it does not say whether it is whole');
    const next = textOf(xml, 'NextContinuationToken');
    if (truncated === 'true' && !next) throw this.#doubt('it is not whole, and does not say where it goes on');
    return { xml, next: truncated === 'true' ? next : undefined };
  }

  async #entries({ xml }: Answered, { prefix, exact }: Segment, signal: AbortSignal | undefined): Promise<Listed> {
    const { prefix: base } = this.#bucket;
    const begins = base + prefix;
    await this.#learn(xml, signal);
    const escaped = textOf(xml, 'EncodingType') === 'url';
    const entries: Entry[] = [];
    const problems: Problem[] = [];
    for (const item of elementsOf(xml, 'Contents')) {
      const text = textOf(item, 'Key');
      const size = Number(elementOf(item, 'Size') ?? NaN);
      if (text === undefined || !Number.isSafeInteger(size)) throw this.#doubt('an entry has no key or no size');
      if (escaped && text.includes('+')) this.#plus ??= await this.#findPlus(text, signal);
      const whole = escaped ? this.#decode(text) : text;
      if (!whole.startsWith(begins)) throw this.#doubt(`${JSON.stringify(whole)} does not begin with ${JSON.stringify(begins)}`);
      if (!whole.isWellFormed()) throw this.#doubt(`the name ${JSON.stringify(whole)} is not Unicode`);
      const key = whole.slice(base.length);
      // Characters that XML has no words for are written as this one.
      if (!escaped && whole.includes('\uFFFD') && !await lookAt(this.#bucket, key, signal)) {
        const place = placeOf(this.#bucket, key);
        problems.push({ place, error: new SyncError('unsupported', `${place} has another name than the service lists it with, because it cannot write that`, { store: this.#bucket.name, hint: 'rename it' }) });
        continue;
      }
      entries.push({ key, place: placeOf(this.#bucket, key), ...statFrom(this.#bucket, tagOf(textOf(item, 'ETag')), size, elementOf(item, 'LastModified')) });
    }
    const count = elementOf(xml, 'KeyCount');
    if (count !== undefined && Number(count) !== entries.length + problems.length) throw this.#doubt(`it counts ${count} entries and holds ${entries.length}`);
    // Only the first of the keys that begin with it can be the key itself.
    return exact ? { entries: entries.filter(({ key }) => key === prefix), problems: [] } : { entries, problems };
  }

  /** A bucket that is encrypted with keys of the service lists ETags that look like any others: one of its objects tells. */
  async #learn(xml: string, signal: AbortSignal | undefined): Promise<void> {
    const { client, tags } = this.#bucket;
    const text = tags.doubtful ? textOf(xml, 'Key') : undefined;
    if (text === undefined || !/^[\w./-]+$/.test(text)) return;
    tags.doubtful = false;
    tags.learn((await client.send({ method: 'HEAD', key: text, signal })).headers);
  }

  #decode(text: string): string {
    if (!text.includes('%') && !text.includes('+')) return text;
    try {
      return decodeURIComponent(this.#plus === 'space' ? text.replaceAll('+', ' ') : text);
    } catch {
      throw this.#doubt(`the name ${JSON.stringify(text)} is not UTF-8`, 'rename it, or list another prefix');
    }
  }

  /** Services that escape a plus sign as `%2B` mean a space by one; others mean what they write. */
  async #findPlus(text: string, signal: AbortSignal | undefined): Promise<Plus> {
    for (const plus of ['space', 'plus'] as const) {
      const whole = decodeURIComponent(plus === 'space' ? text.replaceAll('+', ' ') : text);
      if (await lookAt(this.#bucket, whole.slice(this.#bucket.prefix.length), signal)) return plus;
    }
    throw this.#doubt(`${JSON.stringify(text)} cannot be found under that name`, 'try again');
  }

  #doubt(what: string, hint = 'the service lists wrongly; nothing is decided on such a listing'): SyncError {
    return new SyncError('corrupt', `the listing of ${this.#bucket.name} cannot be relied on: ${what}`, { store: this.#bucket.name, hint });
  }
}

/** What is asked for ahead of time. Whoever comes to it hears of its failure; until then it is nobody's. */
function quietly<T>(asked: Promise<T>): Promise<T> {
  asked.catch(() => {});
  return asked;
}

/** Whether a listing can name every key: XML has no words for most control characters, and not every service escapes names. */
export async function namesEveryKey({ client }: Bucket, signal: AbortSignal | undefined): Promise<boolean> {
  const { body } = await client.send({ method: 'GET', query: { 'list-type': '2', 'encoding-type': 'url', 'max-keys': '1' }, signal });
  return textOf(body.toString(), 'EncodingType') === 'url';
}

/** What to list so that just what lies under `under` is found, once, and in the order of keys. */
function segmentsOf(under: readonly Key[] | undefined): readonly Segment[] {
  if (under === undefined || under.includes('')) return [{ prefix: '', exact: false }];
  const wanted = new Set(under);
  const segments: Segment[] = [];
  for (const key of wanted) {
    if (ancestors(key).some((above) => wanted.has(above))) continue;
    segments.push({ prefix: key, exact: true }, { prefix: `${key}/`, exact: false });
  }
  return segments.sort((a, b) => compareKeys(a.prefix, b.prefix));
}

function ancestors(key: Key): string[] {
  const found: string[] = [];
  for (let slash = key.indexOf('/'); slash >= 0; slash = key.indexOf('/', slash + 1)) found.push(key.slice(0, slash));
  return found;
}
