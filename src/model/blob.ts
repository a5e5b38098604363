import type { Content } from './entry.ts';
import type { SyncError } from './errors.ts';

/** Bytes in memory, as content. */
export function heldBlob(bytes: Uint8Array): Content & { readonly kind: 'blob' } {
  return {
    kind: 'blob',
    async *bytes() {
      if (bytes.length > 0) yield bytes;
    },
  };
}

/** Content that cannot be read. */
export function unreadableBlob(error: SyncError): Content & { readonly kind: 'blob' } {
  return {
    kind: 'blob',
    // oxlint-disable-next-line require-yield
    async *bytes() {
      throw error;
    },
  };
}
