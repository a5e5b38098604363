import type { Collection } from '../model/collection.ts';
import { SyncError } from '../model/errors.ts';
import { joinKey, splitKey } from '../model/key.ts';
import type { Key } from '../model/key.ts';
import { hasDotSegment, targetOf } from './address.ts';
import { fieldOf, nameOf } from './identity.ts';
import type { Schema } from './schema.ts';

/** Where an API has the resources that do not say so themselves, as in `/api/{collection}/{id}`. */
export interface AddressPattern {
  /** The fields that name a resource within its collection, in the order of the parts of its key. */
  readonly fields: readonly string[];
  /** The address of what has this key; `undefined` where the pattern has none for it. */
  addressOf(key: Key): string | undefined;
  /** Whose address this is, or that of a collection, which names no or not all of the fields; `undefined` where it is neither. */
  match(path: string): { readonly type: string; readonly ids: readonly string[] } | undefined;
  /** Why no record of a collection has an address by this, as half a sentence with what to do about it; `undefined` where some may. */
  misfit(collection: Collection): { readonly why: string; readonly hint: string } | undefined;
}

/** Reads a pattern. Throws `invalid`, saying what it has to look like. */
export function readPattern(text: string): AddressPattern {
  const { segments, fields, only } = partsOf(text);
  const start = segments.length - fields.length;
  return {
    fields,
    addressOf(key) {
      const [type = '', ...ids] = splitKey(key);
      if (type === '' || ids.length !== fields.length || ids.includes('') || (only !== undefined && only !== type)) return undefined;
      const address = `/${segments.map((segment, i) => (i >= start ? encodeURIComponent(ids[i - start]!) : segment === '{collection}' ? encodeURIComponent(type) : segment)).join('/')}`;
      return hasDotSegment(address) ? undefined : address;
    },
    match(path) {
      const parts = path.replace(/\/$/, '').split('/').slice(1);
      if (parts.length < start || parts.length > segments.length) return undefined;
      const ids = parts.slice(start).map(unescaped);
      let type = only;
      for (const [i, part] of parts.slice(0, start).entries()) {
        if (segments[i] === '{collection}') type = unescaped(part);
        else if (segments[i] !== part) return undefined;
      }
      return type === undefined || type === '' || ids.includes('') ? undefined : { type, ids };
    },
    misfit({ name, key }) {
      if (only !== undefined && only !== name) return { why: `--address says where ${only} is, and not ${name}`, hint: 'write {collection} in the place of the name' };
      if (key.length === 0 || (key.length === fields.length && key.every((field, i) => field === fields[i]))) return undefined;
      return { why: `the key of ${name} is ${key.join(' and ')}, and --address has ${fields.join(' and ')}`, hint: `end --address in ${key.map((field) => `/{${field}}`).join('')}, or say with --rename what these are called there` };
    },
  };
}

/** The segments of a pattern, the fields in those that it ends in, and the collection that stands before them where it is the only one. */
function partsOf(text: string): { readonly segments: readonly string[]; readonly fields: readonly string[]; readonly only: string | undefined } {
  const segments = text.split('/').slice(1);
  const isField = (segment: string): boolean => segment !== '{collection}' && /^\{[^{}]+\}$/.test(segment);
  const start = segments.findLastIndex((segment) => !isField(segment)) + 1;
  const fields = segments.slice(start).map((segment) => segment.slice(1, -1));
  const collections = segments.filter((segment) => segment === '{collection}').length;
  const isPlain = segments.slice(0, start).every((segment) => segment === '{collection}' || (segment !== '' && !/[{}?#\s]/.test(segment)));
  if (!text.startsWith('/') || start === 0 || fields.length === 0 || new Set(fields).size < fields.length || collections > 1 || !isPlain || hasDotSegment(text)) {
    throw new SyncError('invalid', `${JSON.stringify(text)} does not say where an API has its resources`, { hint: 'write it as /api/{collection}/{id}, from the root of the host, with the fields of the key at its end, as in /api/{collection}/{customer}/{number}; in the place of {collection} may stand the name of the only one' });
  }
  return { segments, fields, only: collections === 0 ? unescaped(segments[start - 1]!) : undefined };
}

/** A schema by which a document that does not say where it is, and has the fields of the pattern, is where that says, in the collection that it came from. */
export function withPattern(schema: Schema, pattern: AddressPattern): Schema {
  const { fields } = pattern;
  return {
    ...schema,
    named: [],
    misfit: (collection) => (schema.named.every((name) => collection.fields.some((field) => field.name === name)) ? undefined : pattern.misfit(collection)),
    identify(document, base) {
      const found = schema.identify(document, base);
      const from = 'problem' in found && base !== undefined ? pattern.match(targetOf(base)?.path ?? '') : undefined;
      if (from === undefined) return found;
      const ids = fields.flatMap((field) => nameOf(fieldOf(document, field)) ?? []);
      if (ids.length < fields.length && (fields.length > 1 || fields[0] !== 'id')) return { problem: `it lacks ${fields.filter((field) => nameOf(fieldOf(document, field)) === undefined).join(' and ')}, by which --address names it` };
      if (ids.length < fields.length || !ids.every((id) => id.isWellFormed()) || from.ids.some((id, i) => id !== ids[i])) return found;
      const key = joinKey([from.type, ...ids]);
      const address = pattern.addressOf(key);
      return address === undefined ? found : { type: from.type, id: ids.join('/'), key, address, collection: address.split('/').slice(0, -fields.length).join('/'), dependsOn: [] };
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
