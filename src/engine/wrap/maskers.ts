import { createHmac } from 'node:crypto';
import type { Maskers } from '../../core/rules/mapping.ts';
import { SyncError } from '../../model/errors.ts';

/** What stands where a text was. */
const redacted = '[redacted]';
/** A text is never shown by half or more. */
const shown = 4;

/** The ways to mask. What is hashed is hashed with a key, since of what there is a limited number anybody can hash it all. */
export function maskersWith(key: Uint8Array | undefined): Maskers {
  return {
    redact: () => redacted,
    last4: (text) => {
      const characters = [...text];
      return `****${characters.length > 2 * shown ? characters.slice(-shown).join('') : ''}`;
    },
    hash: (text) => {
      if (!key) throw new SyncError('internal', 'a value is to be hashed, and there is no key');
      return createHmac('sha256', key).update(text).digest('hex');
    },
  };
}

/** Tells a key from another one, and nothing else. */
export function fingerprintOf(key: Uint8Array): string {
  return createHmac('sha256', key).update('syncline: which key is this').digest('hex').slice(0, 12);
}
