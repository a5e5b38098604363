import type { Http, HttpHeaders, HttpResponse } from '../../lib/http/client.ts';
import type { HttpUrl } from '../../lib/http/url.ts';
import type { Document } from '../../model/document.ts';
import type { Digest, Entry, Ref, Version } from '../../model/entry.ts';
import type { Host } from '../../model/host.ts';
import type { CallOptions, Sink } from '../../model/store.ts';
import type { Schema } from '../../schema/schema.ts';

/** Options of a REST store, with every default filled in. */
export interface RestSettings {
  readonly follow: Follow;
  /** Resources in one page, asked for in `X-Request-Limit`. */
  readonly limit: number;
  /** The form documents are sent in. */
  readonly format: 'json' | 'yaml';
  /** The most resources in one `PATCH` of a collection. */
  readonly batchSize: number;
  /** Requests under way at once to one host. */
  readonly concurrency: number;
}

/** Which links a crawl follows. */
export type Follow = 'all' | 'child' | 'page' | 'none';

/** What reading and writing share: one server, one client, one schema. */
export interface RestContext {
  /** Fit to print: no secrets. */
  readonly name: string;
  /** Where the endpoint points. Addresses are resolved against its origin; its path matters to scans only. */
  readonly base: HttpUrl;
  readonly http: Http;
  readonly schema: Schema;
  readonly settings: RestSettings;
  readonly host: Host;
  /** `text` without any secret of ours, for what a server says. */
  redact(text: string): string;
  /** The URL of an address: its path and query at the base origin, as written. */
  urlOf(address: string): string;
  /** The address of a resource. Throws `unsupported` for a ref without one. */
  addressOf(ref: Ref): string;
  /** One resource as the server holds it now, for `ref`; `undefined` where there is none (404, 410). */
  readEntry(ref: Ref, options?: CallOptions): Promise<Tagged | undefined>;
  /** The document in a response's body, JSON or YAML by its content type, its relative links written from the root. Throws `corrupt` where it is not one. */
  documentOf(response: HttpResponse): Document;
}

/** A resource as the answer to its own URL gives it. */
export interface Tagged {
  readonly entry: Entry;
  readonly etag: string | undefined;
}

/** The ETag of an answer as written, weak or strong. */
export function etagOf(headers: HttpHeaders): string | undefined {
  const etag = headers['etag']?.trim();
  return etag === undefined || etag === '' ? undefined : etag;
}

/**
 * The version of a resource. Its content stands for it, as listings give no ETags; a write that expects a version reads
 * the resource and makes the ETag it has by then its condition.
 */
export function versionOf({ value }: Digest): Version {
  return `digest:${value}`;
}

/** The writing half of a REST store. */
export type RestWriter = Pick<Sink, 'write'>;
