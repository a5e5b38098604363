import { SyncError } from '../../model/errors.ts';
import type { Micros } from '../../model/entry.ts';
import { compareKeys } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import type { SwiftClient } from './client.ts';
import { pathOf } from './client.ts';
import type { About } from './failure.ts';

/** One object as a listing shows it. */
export interface Row {
  readonly name: string;
  readonly bytes: number;
  /** The MD5 of its bytes, or for a large object of its manifest. */
  readonly hash: string;
  readonly modifiedAt: Micros | undefined;
  /** Its etag, where it is a static large object. */
  readonly largeEtag: string | undefined;
  /** Whether it only points at another object. */
  readonly isLink: boolean;
  /** Whether it is empty and only stands for a directory, as other programs make them. */
  readonly isDirectory: boolean;
}

/** A part of a listing: all names that begin with `start`, or just the one that is `start`. */
export interface Range {
  readonly start: string;
  readonly exact: boolean;
}

export interface ListingOptions {
  readonly client: SwiftClient;
  readonly container: string;
  readonly about: About;
  readonly signal: AbortSignal | undefined;
}

/**
 * The names in a container that lie in a range, page by page. Every page is checked: names that are out of order or do
 * not belong throw, because what such a listing leaves out cannot be known. `undefined` where there is no such container.
 */
export async function* listRange({ start, exact }: Range, options: ListingOptions): AsyncGenerator<readonly Row[] | undefined> {
  if (exact) {
    const rows = await page(`prefix=${encodeURIComponent(start)}&limit=1`, options);
    yield rows?.filter(({ name }) => name === start);
    return;
  }
  const ask = (marker: string): Promise<readonly Row[] | undefined> => {
    const rows = page(`prefix=${encodeURIComponent(start)}${marker === '' ? '' : `&marker=${encodeURIComponent(marker)}`}`, options);
    // Asked for ahead of its turn, it may fail when nobody is listening any more.
    rows.catch(() => {});
    return rows;
  };
  let last = '';
  for (let next = ask(''); ;) {
    const rows = await next;
    if (rows === undefined) return yield undefined;
    // A short page may be the last one, but only an empty one is sure to be.
    if (rows.length === 0) return;
    for (const { name } of rows) {
      if (!name.startsWith(start) || (last !== '' && compareKeys(last, name) >= 0)) throw disorder(options.about, name);
      last = name;
    }
    next = ask(last);
    yield rows;
  }
}

/** What lies at or below any of `keys`, as ranges in the order of their names, none within another. Names begin with `prefix`. */
export function rangesUnder(keys: readonly Key[], prefix: string): readonly Range[] {
  if (keys.includes('')) return [{ start: prefix, exact: false }];
  const roots = new Set(keys);
  const isBelow = (key: Key): boolean => {
    for (let slash = key.indexOf('/'); slash >= 0; slash = key.indexOf('/', slash + 1)) if (roots.has(key.slice(0, slash))) return true;
    return false;
  };
  return [...roots].filter((key) => !isBelow(key))
    .flatMap((key): Range[] => [{ start: prefix + key, exact: true }, { start: `${prefix}${key}/`, exact: false }])
    .sort((a, b) => compareKeys(a.start, b.start));
}

async function page(query: string, { client, container, about, signal }: ListingOptions): Promise<readonly Row[] | undefined> {
  const { status, body } = await client.request({ path: pathOf(container), query: `format=json&${query}`, headers: { accept: 'application/json' }, wanted: [200, 204, 404], about, signal });
  if (status === 404) return undefined;
  if (status === 204) return [];
  return rowsOf(body, about);
}

function rowsOf(body: Buffer, about: About): readonly Row[] {
  let rows: unknown;
  try {
    rows = JSON.parse(body.toString());
  } catch (cause) {
    throw new SyncError('unavailable', `cannot ${about.doing} ${about.place}: the listing is not JSON`, { ...about.details, cause, hint: 'check the address, and what answers there' });
  }
  if (!Array.isArray(rows)) throw malformed(about);
  return rows.map((row: unknown) => rowOf(row, about));
}

interface RawRow {
  readonly name?: unknown;
  readonly bytes?: unknown;
  readonly hash?: unknown;
  readonly last_modified?: unknown;
  readonly slo_etag?: unknown;
  readonly symlink_path?: unknown;
  readonly content_type?: unknown;
}

function rowOf(row: unknown, about: About): Row {
  const { name, bytes, hash, last_modified: modified, slo_etag: largeEtag, symlink_path: target, content_type: mediaType }: RawRow = typeof row === 'object' && row !== null ? row : {};
  if (typeof name !== 'string' || typeof bytes !== 'number' || typeof hash !== 'string') throw malformed(about);
  return {
    name, bytes, hash,
    modifiedAt: typeof modified === 'string' ? microsOf(modified) : undefined,
    largeEtag: typeof largeEtag === 'string' ? largeEtag.replace(/^"|"$/g, '') : undefined,
    isLink: target !== undefined,
    isDirectory: bytes === 0 && target === undefined && (name.endsWith('/') || mediaType === 'application/directory'),
  };
}

/** `2024-05-01T10:20:30.123456`, in UTC, which is not said. */
function microsOf(text: string): Micros | undefined {
  const [, second, fraction = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z?$/.exec(text) ?? [];
  if (second === undefined) return undefined;
  return Date.parse(`${second}Z`) * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0'));
}

function malformed({ doing, place, details }: About): SyncError {
  return new SyncError('unavailable', `cannot ${doing} ${place}: the listing is not as a Swift server writes it`, { ...details, hint: 'check the address, and what answers there' });
}

function disorder({ doing, place, details }: About, name: string): SyncError {
  return new SyncError('corrupt', `cannot ${doing} ${place}: the listing is out of order at ${JSON.stringify(name)}, so it may leave something out`, { ...details, hint: 'run again; if it stays so, the container on the server needs repair' });
}
