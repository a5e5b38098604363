import type { Document, Value } from '../model/document.ts';
import type { Entry } from '../model/entry.ts';
import { joinKey } from '../model/key.ts';
import { addressOf, hasDotSegment, parentPath, targetOf } from './address.ts';
import type { Identity, Unidentified } from './schema.ts';

/** What a schema finds in a document that speaks of its identity. */
export interface Claims {
  readonly id: Value | undefined;
  /** Stated by the document, or `undefined` to take it from the link. */
  readonly type: Value | undefined;
  readonly self: string | undefined;
  /** What the document should have had where `self` is missing, as in `self link`. */
  readonly selfName: string;
  readonly parents: readonly string[];
  readonly collection: string | undefined;
}

function lacking(what: string): Unidentified {
  return { problem: `it has no ${what}`, missing: what };
}

/** The identity that `claims` amount to, or what is wrong with them. `base`: the URL the document came from. */
export function identityOf({ id, type, self, selfName, parents, collection }: Claims, base: string | undefined): Identity | Unidentified {
  const idText = nameOf(id);
  if (idText === undefined) return id === undefined || id === null || id === '' ? lacking('id') : { problem: 'its id is not a scalar' };
  if (self === undefined) return lacking(selfName);
  const target = targetOf(self, base);
  if (target === undefined) return { problem: `its ${selfName} ${quoted(self)} is not a URL` };
  if (hasDotSegment(target.path)) return { problem: `its ${selfName} ${quoted(self)} holds a dot segment` };
  const typeText = type === undefined ? typeInPath(target.path) : nameOf(type);
  if (typeText === undefined && (type === null || type === '')) return lacking('type');
  if (typeText === undefined) return { problem: type === undefined ? `its ${selfName} ${quoted(self)} names no type` : 'its type is not a scalar' };
  if (!idText.isWellFormed() || !typeText.isWellFormed()) return { problem: 'its type or id is not well-formed Unicode' };
  const home = target.authority;
  return {
    type: typeText,
    id: idText,
    key: joinKey([typeText, idText]),
    address: target.path + target.query,
    collection: collectionPath(collection, base, home) ?? parentPath(target.path),
    dependsOn: parents.length === 0 ? none : addressesOf(parents, base, home),
  };
}

/** What an entry says of the document it is, leaving out what the document does not. */
export function entryFacts({ address, collection, dependsOn }: Identity): Pick<Entry, 'address' | 'collection' | 'dependsOn'> {
  return { ...(address !== undefined && { address }), ...(collection !== undefined && { collection }), ...(dependsOn.length > 0 && { dependsOn }) };
}

/** The value of a field, were it inherited from nobody. */
export function fieldOf(document: Document, name: string): Value | undefined {
  return Object.hasOwn(document, name) ? document[name] : undefined;
}

const none: readonly string[] = [];

/** A scalar as the name it is, empty ones and others being none. */
export function nameOf(value: Value | undefined): string | undefined {
  switch (typeof value) {
    case 'string':
      return value === '' ? undefined : value;
    case 'number':
      return Number.isFinite(value) ? (Number.isInteger(value) ? BigInt(value).toString() : String(value)) : undefined;
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      return undefined;
  }
}

function typeInPath(path: string): string | undefined {
  const segments = path.replace(/\/+$/, '').split('/');
  const raw = segments.at(-2);
  if (raw === undefined || raw === '') return undefined;
  let type = raw;
  try {
    if (raw.includes('%')) type = decodeURIComponent(raw);
  } catch {
    // Not an escape after all: the segment stands for itself.
  }
  return type === '.' || type === '..' ? undefined : type;
}

function collectionPath(href: string | undefined, base: string | undefined, home: string): string | undefined {
  const target = href === undefined ? undefined : targetOf(href, base);
  if (target === undefined || hasDotSegment(target.path)) return undefined;
  return target.authority === home || target.authority === '' || home === '' ? target.path : undefined;
}

function addressesOf(parents: readonly string[], base: string | undefined, home: string): readonly string[] {
  const found = new Set<string>();
  for (const parent of parents) {
    const target = targetOf(parent, base);
    if (target !== undefined) found.add(addressOf(target, home));
  }
  return [...found];
}

function quoted(text: string): string {
  // A user name and password before the host are not for messages.
  const bare = text.replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i, '$1//');
  return JSON.stringify(bare.length > 200 ? `${bare.slice(0, 200)}…` : bare);
}
