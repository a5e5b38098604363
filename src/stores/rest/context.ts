import type { Http, HttpHeaders, HttpResponse } from '../../lib/http/client.ts';
import type { HttpUrl } from '../../lib/http/url.ts';
import type { Document } from '../../model/document.ts';
import type { Entry, Ref, Version } from '../../model/entry.ts';
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
  readEntry(ref: Ref, options?: CallOptions): Promise<Entry | undefined>;
  /**
   * The entry a response of the resource itself describes, under `ref`'s key and address, with the digest of its
   * document and its ETag as version. Throws `corrupt` where the body is not a document.
   */
  entryOf(ref: Ref, response: HttpResponse): Entry;
  /** The document in a response's body, JSON or YAML by its content type. Throws `corrupt` where it is not one. */
  documentOf(response: HttpResponse): Document;
}

/** The version a response gives its resource: its ETag as written, weak or strong. */
export function versionOf(headers: HttpHeaders): Version | undefined {
  const etag = headers['etag']?.trim();
  return etag === undefined || etag === '' ? undefined : etag;
}

/** The writing half of a REST store. */
export type RestWriter = Pick<Sink, 'write'>;
