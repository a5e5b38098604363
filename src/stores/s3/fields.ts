import type { HttpHeaders } from '../../lib/http/client.ts';
import type { Entry } from '../../model/entry.ts';
import type { Keeping, KeepingRules } from '../../model/keeping.ts';
import type { Key } from '../../model/key.ts';
import { metadataOf } from './attributes.ts';
import { contentTypeOf } from './content-type.ts';

/** A header field: its name in lower case, and its value. */
export type Field = readonly [name: string, value: string];

/** What a service keeps of an object besides our own metadata, and gives back when it is read. */
const carried = ['cache-control', 'content-disposition', 'content-encoding', 'content-language', 'content-type', 'expires', 'x-amz-website-redirect-location'];

/** The header fields that objects are written with, by their keys: what a rule says goes before what the bucket's options say. */
export class Fields {
  readonly #defaults: Keeping;
  readonly #rules: KeepingRules | undefined;

  constructor(defaults: Keeping, rules: KeepingRules | undefined) {
    this.#defaults = defaults;
    this.#rules = rules;
  }

  /** Of an object whose content is sent. */
  ofPut({ key, content, attributes }: Entry): Field[] {
    const keeping = this.#keepingOf(key);
    const mediaType = keeping.contentType || (content?.kind === 'blob' ? content.mediaType : undefined) || contentTypeOf(key);
    const fields: Field[] = [['content-type', mediaType], ...cacheFields(keeping), ...storageFields(keeping)];
    const metadata = attributes ? metadataOf(attributes) : [];
    for (let i = 0; i < metadata.length; i += 2) fields.push([metadata[i]!, metadata[i + 1]!]);
    return fields;
  }

  /** Of a copy: where and for whom it is kept. */
  ofCopy(key: Key): Field[] {
    return storageFields(this.#keepingOf(key));
  }

  /** What the metadata of a copy are to be, where they are not those of its source. */
  overrides(key: Key): Field[] {
    const keeping = this.#keepingOf(key);
    return [...(keeping.contentType ? [['content-type', keeping.contentType] as const] : []), ...cacheFields(keeping)];
  }

  #keepingOf(key: Key): Keeping {
    return this.#rules ? { ...this.#defaults, ...this.#rules.keepingOf(key) } : this.#defaults;
  }
}

function cacheFields({ cacheControl }: Keeping): Field[] {
  return cacheControl ? [['cache-control', cacheControl]] : [];
}

function storageFields({ acl, encryption, encryptionKey, storageClass }: Keeping): Field[] {
  const fields: Field[] = [];
  if (acl) fields.push(['x-amz-acl', acl]);
  if (encryption) fields.push(['x-amz-server-side-encryption', encryption]);
  if (encryption && encryptionKey) fields.push(['x-amz-server-side-encryption-aws-kms-key-id', encryptionKey]);
  if (storageClass) fields.push(['x-amz-storage-class', storageClass]);
  return fields;
}

/** The metadata in the answer about an object, as those of another one. */
export function metadataIn(headers: HttpHeaders): Field[] {
  const fields: Field[] = [];
  for (const [name, value] of Object.entries(headers)) if (value !== undefined && (carried.includes(name) || name.startsWith('x-amz-meta-'))) fields.push([name, value]);
  return fields;
}

/** Header fields in the order in which they are signed, as names and values in turn; of one name the last one counts. */
export function ordered(fields: readonly Field[]): string[] {
  const list: string[] = [];
  const sorted = fields.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  for (let i = 0; i < sorted.length; i++) if (sorted[i + 1]?.[0] !== sorted[i]![0]) list.push(...sorted[i]!);
  return list;
}
