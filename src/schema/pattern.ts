import { SyncError } from '../model/errors.ts';
import { joinKey, splitKey } from '../model/key.ts';
import type { Key } from '../model/key.ts';
import { hasDotSegment, targetOf } from './address.ts';
import { fieldOf, nameOf } from './identity.ts';
import type { Schema } from './schema.ts';

/** Where an API has the resources that do not say so themselves, as in `/api/{collection}/{id}`. */
export interface AddressPattern {
  /** The address of what has this key; `undefined` where the pattern has none for it. */
  addressOf(key: Key): string | undefined;
  /** Whose address this is, or that of a collection; `undefined` where it is neither. */
  match(path: string): { readonly type: string; readonly id?: string } | undefined;
}

/** Reads a pattern. Throws `invalid`, saying what it has to look like. */
export function readPattern(text: string): AddressPattern {
  const segments = text.split('/').slice(1);
  const collections = segments.filter((segment) => segment === '{collection}').length;
  const isPlain = segments.slice(0, -1).every((segment) => segment === '{collection}' || (segment !== '' && !/[{}?#\s]/.test(segment)));
  if (!text.startsWith('/') || segments.at(-1) !== '{id}' || segments.length < 2 || collections > 1 || !isPlain || hasDotSegment(text)) {
    throw new SyncError('invalid', `${JSON.stringify(text)} does not say where an API has its resources`, { hint: 'write it as /api/{collection}/{id}, from the root of the host; in the place of {collection} may stand the name of the only one' });
  }
  const last = segments.at(-2) as string;
  const only = collections === 0 ? unescaped(last) : undefined;
  return {
    addressOf(key) {
      const [type = '', id, ...more] = splitKey(key);
      if (id === undefined || id === '' || type === '' || more.length > 0 || (only !== undefined && only !== type)) return undefined;
      const address = `/${segments.map((segment) => (segment === '{collection}' ? encodeURIComponent(type) : segment === '{id}' ? encodeURIComponent(id) : segment)).join('/')}`;
      return hasDotSegment(address) ? undefined : address;
    },
    match(path) {
      const parts = path.replace(/\/$/, '').split('/').slice(1);
      if (parts.length !== segments.length && parts.length !== segments.length - 1) return undefined;
      let type = only;
      let id: string | undefined;
      for (const [i, part] of parts.entries()) {
        const segment = segments[i];
        if (segment === '{collection}') type = unescaped(part);
        else if (segment === '{id}') id = unescaped(part);
        else if (segment !== part) return undefined;
      }
      return type === undefined || type === '' || id === '' ? undefined : { type, ...(id !== undefined && { id }) };
    },
  };
}

/** A schema by which a document that does not say where it is, and has an `id`, is where the pattern says, in the collection that it came from. */
export function withPattern(schema: Schema, pattern: AddressPattern): Schema {
  return {
    ...schema,
    identify(document, base) {
      const found = schema.identify(document, base);
      const id = nameOf(fieldOf(document, 'id'));
      if (!('problem' in found) || base === undefined || id === undefined || !id.isWellFormed()) return found;
      const from = pattern.match(targetOf(base)?.path ?? '');
      if (from === undefined || (from.id !== undefined && from.id !== id)) return found;
      const key = joinKey([from.type, id]);
      const address = pattern.addressOf(key);
      return address === undefined ? found : { type: from.type, id, key, address, collection: address.slice(0, address.lastIndexOf('/')), dependsOn: [] };
    },
  };
}

function unescaped(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // Not an escape after all: the segment stands for itself.
    return segment;
  }
}
