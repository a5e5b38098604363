/** A response worth asking about again instead of fetching again (RFC 9110, section 13). */
export interface CachedResponse {
  readonly etag?: string;
  readonly lastModified?: string;
  readonly contentType?: string;
  readonly body: Uint8Array;
}

/** Remembers responses that carried a validator. Keys are URLs and whatever else the response depended on; no secrets. */
export interface ResponseCache {
  get(key: string): CachedResponse | undefined;
  set(key: string, response: CachedResponse): void;
}
