import { hash } from 'node:crypto';
import type { Maskers } from '../../core/rules/mapping.ts';
import { SyncError } from '../../model/errors.ts';

/** What stands where a text was. */
const redacted = '[redacted]';
/** A text is never shown by half or more. */
const shown = 4;

/** The ways to mask. What is hashed is hashed with a key, since of what there is a limited number anybody can hash it all. */
export function maskersWith(key: Uint8Array | undefined): Maskers {
  const keyed = key && hmacWith(key);
  return {
    redact: () => redacted,
    last4: (text) => {
      const characters = [...text];
      return `****${characters.length > 2 * shown ? characters.slice(-shown).join('') : ''}`;
    },
    hash: (text) => {
      if (!keyed) throw new SyncError('internal', 'a value is to be hashed, and there is no key');
      return keyed(text);
    },
  };
}

/** Tells a key from another one, and nothing else. */
export function fingerprintOf(key: Uint8Array): string {
  return hmacWith(key)('syncline: which key is this').slice(0, 12);
}

const blockBytes = 64;

/** HMAC-SHA-256 (RFC 2104) of texts, in hexadecimal. The platform's own makes a key object of the key for each text, which takes five times as long as the hashing. */
function hmacWith(key: Uint8Array): (text: string) => string {
  const block = Buffer.alloc(blockBytes);
  block.set(key.length > blockBytes ? hash('sha256', key, 'buffer') : key);
  const [inner, outer] = [0x36, 0x5c].map((pad) => block.map((byte) => byte ^ pad)) as [Uint8Array, Uint8Array];
  return (text) => hash('sha256', Buffer.concat([outer, hash('sha256', Buffer.concat([inner, Buffer.from(text)]), 'buffer')]));
}
