import type { Key } from './key.ts';

/** How a service is to keep what is written, beside its content. An empty text takes back what another setting would say. */
export interface Keeping {
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly storageClass?: string;
  /** `AES256`, `aws:kms` or `aws:kms:dsse`. */
  readonly encryption?: string;
  /** The key of `aws:kms`, by its id. */
  readonly encryptionKey?: string;
  /** A canned access control list. */
  readonly acl?: string;
}

/** How entries are to be kept, by their keys. */
export interface KeepingRules {
  keepingOf(key: Key): Keeping;
  /** All that any key may get: what a service has no use for is to be refused before anything is written. */
  readonly all: readonly Keeping[];
}
