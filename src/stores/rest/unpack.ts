import type { HttpUrl } from '../../lib/http/url.ts';
import { printableUrl, urlText } from '../../lib/http/url.ts';
import type { Document, Value } from '../../model/document.ts';
import { isDocument } from '../../model/document.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import type { Problem } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import { entryFacts } from '../../schema/identity.ts';
import type { Identity, Schema } from '../../schema/schema.ts';
import { field } from './collection.ts';
import { versionOf } from './context.ts';

/** Levels of resources within resources. */
const mostEmbedding = 32;

/** What unpacking a response needs to know. */
export interface Unpacking {
  readonly value: Value;
  readonly url: HttpUrl;
  readonly schema: Schema;
  log(level: 'debug' | 'info', message: string): void;
}

/** What a response holds. */
export interface Unpacked {
  /** Outer ones before those they embed. */
  readonly entries: Entry[];
  /** Every document that may have links, a resource or not. */
  readonly documents: Document[];
  readonly problems: Problem[];
}

/** The resources in a response: its document where it is one, and what it embeds at any depth. */
export function unpack(unpacking: Unpacking): Unpacked {
  const unpacked: Unpacked = { entries: [], documents: [], problems: [] };
  const { value, schema } = unpacking;
  const base = urlText(unpacking.url);
  if (isDocument(value)) unpackRoot(schema.rooted(value, base), unpacking, unpacked);
  else if (Array.isArray(value)) value.forEach((item, i) => unpackItem(isDocument(item) ? schema.rooted(item, base) : item, { holder: 'collection', path: `item ${i}`, depth: 1 }, unpacking, unpacked));
  else unpacked.problems.push(problemOf('it is neither a document nor a list', '', unpacking));
  return unpacked;
}

/** Where an embedded value is. */
interface Spot {
  readonly holder: 'collection' | 'resource';
  readonly path: string;
  readonly depth: number;
}

function unpackRoot(document: Document, unpacking: Unpacking, unpacked: Unpacked): void {
  const { schema, url, log } = unpacking;
  const text = urlText(url);
  const identity = schema.identify(document, text);
  const embedded = schema.embedded(document);
  const place = printableUrl(text);
  unpacked.documents.push(document);
  if (!('problem' in identity)) add(document, identity, { place, path: '' }, unpacking, unpacked);
  else if (field(document, 'id') !== undefined && embedded.length === 0) unpacked.problems.push(problemOf(identity.problem, '', unpacking));
  else log('debug', `${place} is not a resource itself: ${identity.problem}`);
  const holder = 'problem' in identity ? 'collection' : 'resource';
  embedded.forEach((item, i) => unpackItem(item, { holder, path: `item ${i}`, depth: 1 }, unpacking, unpacked));
}

function unpackItem(item: Value, { holder, path, depth }: Spot, unpacking: Unpacking, unpacked: Unpacked): void {
  const { schema, url } = unpacking;
  const identity = isDocument(item) ? schema.identify(item, urlText(url)) : { problem: 'it is not a document' };
  if ('problem' in identity || !isDocument(item)) {
    // A resource may have a list of its own under the name where others have embedded resources.
    if (holder === 'collection' || (isDocument(item) && (field(item, 'id') !== undefined || field(item, '_links') !== undefined))) {
      unpacked.problems.push(problemOf('problem' in identity ? identity.problem : '', path, unpacking));
    }
    return;
  }
  unpacked.documents.push(item);
  const place = printableUrl(identity.address === undefined ? urlText(url) : url.origin + identity.address);
  add(item, identity, { place, path }, unpacking, unpacked);
  const inner = schema.embedded(item);
  if (inner.length === 0) return;
  if (depth === mostEmbedding) {
    unpacked.problems.push(problemOf(`it embeds resources more than ${mostEmbedding} levels deep`, path, unpacking));
    return;
  }
  inner.forEach((value, i) => unpackItem(value, { holder: 'resource', path: `${path}.${i}`, depth: depth + 1 }, unpacking, unpacked));
}

function add(document: Document, identity: Identity, { place, path }: { place: string; path: string }, unpacking: Unpacking, unpacked: Unpacked): void {
  try {
    unpacked.entries.push(entryFor(document, identity, unpacking.schema, place));
  } catch (error) {
    unpacked.problems.push(problemOf(toSyncError(error).message, path, unpacking));
  }
}

function problemOf(problem: string, path: string, { url }: Unpacking): Problem {
  const place = printableUrl(urlText(url));
  const subject = path === '' ? place : `${path} of ${place}`;
  return { place: subject, error: new SyncError('corrupt', `${subject} is not a resource: ${problem}`, { hint: 'give it an id and a self link at the server' }) };
}

/** The entry for a document that has an identity. */
function entryFor(document: Document, identity: Identity, schema: Schema, place: string): Entry {
  const digest = digestDocument(document, schema);
  return {
    key: identity.key,
    ...entryFacts(identity),
    version: versionOf(digest),
    digest,
    content: { kind: 'document', document },
    place,
  };
}
