import type { Document } from '../../model/document.ts';
import { blanks, endOfDigits, endOfValue, nameBegins, startOfNamed, traits } from './json-walk.ts';

/** One item of a list of documents in an answer, as far as it is what most are. */
export interface SplitHit {
  readonly id: string;
  /** The numbers that tell its state. */
  readonly sequence: number;
  readonly term: number;
  /** What was written into the index: one line of JSON that is sound, holds all it says in full and is not nested too deep. */
  readonly source: string;
  /** Whether that is the very text of which digests are made. */
  readonly canonical: boolean;
}

/** A document in an answer: as most are, or with all that the server says of it. */
export type Hit = SplitHit | { readonly answer: Document };

/** An answer whose list of documents was taken apart without being parsed. */
export interface SplitAnswer {
  /** The answer with an empty list. */
  readonly envelope: string;
  /** The items: as they mostly are, or as text where there is anything else about one. */
  readonly hits: readonly (SplitHit | string)[];
  /** The member `sort` of the last item. */
  readonly sort: string | undefined;
}

const [quote, comma, openBracket, closeBracket, openBrace, closeBrace, backslash] = [0x22, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d, 0x5c];

/**
 * Finds the items of the list under `path` in an answer. `undefined` where the answer is not quite what answers are: it is to be parsed
 * as a whole then, and to be refused by whoever does that.
 */
export function splitHits(bytes: Buffer, path: readonly string[]): SplitAnswer | undefined {
  let at = blanks(bytes, 0);
  for (const name of path) at = memberOf(bytes, at, Buffer.from(`"${name}"`));
  if (bytes[at] !== openBracket) return undefined;
  const start = at + 1;
  const hits: (SplitHit | string)[] = [];
  const place: HitPlace = { end: 0, sort: 0, sortEnd: 0 };
  at = blanks(bytes, start);
  if (bytes[at] !== closeBracket) {
    for (;;) {
      const hit = hitAt(bytes, at, place);
      if (hit === undefined) return undefined;
      hits.push(hit);
      at = blanks(bytes, place.end);
      if (bytes[at] === closeBracket) break;
      if (bytes[at] !== comma) return undefined;
      at = blanks(bytes, at + 1);
    }
  }
  return {
    envelope: bytes.toString('utf8', 0, start) + bytes.toString('utf8', at), hits,
    sort: place.sortEnd > place.sort ? bytes.toString('utf8', place.sort, place.sortEnd) : undefined,
  };
}

/** Where the value of the member of this name begins, of the object that begins at `at`. */
function memberOf(bytes: Buffer, at: number, name: Buffer): number {
  if (bytes[at] !== openBrace) return -1;
  for (let i = blanks(bytes, at + 1); ; i = blanks(bytes, i + 1)) {
    const value = startOfNamed(bytes, i);
    if (value < 0 || nameBegins(bytes, i, name)) return value;
    i = blanks(bytes, endOfValue(bytes, value));
    if (i < 0 || bytes[i] !== comma) return -1;
  }
}

/** Where an item ends, and where its member `sort` is. */
interface HitPlace {
  end: number;
  sort: number;
  sortEnd: number;
}

/** What a member of an item is: what is looked for, or `idle`, which says nothing of the document. */
type Member = 'id' | 'source' | 'sequence' | 'term' | 'sort' | 'found' | 'idle';

/** The members that are known, by the second letter of their names. */
const members: (readonly { readonly name: Buffer; readonly member: Member }[] | undefined)[] = Array.from({ length: 256 });
for (const [name, member] of [
  ['_id', 'id'], ['_source', 'source'], ['_seq_no', 'sequence'], ['_primary_term', 'term'], ['sort', 'sort'], ['found', 'found'],
  ['_index', 'idle'], ['_score', 'idle'], ['_version', 'idle'], ['_type', 'idle'], ['_ignored', 'idle'], ['ignored_field_values', 'idle'],
] as const) members[name.charCodeAt(1)] = [...members[name.charCodeAt(1)] ?? [], { name: Buffer.from(`"${name}"`), member }];

function memberAt(bytes: Buffer, at: number): Member | undefined {
  const known = members[bytes[at + 2]!];
  if (known === undefined) return undefined;
  for (let i = 0; i < known.length; i++) if (nameBegins(bytes, at, known[i]!.name)) return known[i]!.member;
  return undefined;
}

function hitAt(bytes: Buffer, at: number, place: HitPlace): SplitHit | string | undefined {
  if (bytes[at] !== openBrace) return undefined;
  let id: string | undefined;
  let source: string | undefined;
  let canonical = false;
  let [sequence, term, other] = [-1, -1, false];
  place.sort = place.sortEnd = 0;
  let i = blanks(bytes, at + 1);
  for (;;) {
    const value = startOfNamed(bytes, i);
    if (value < 0) return undefined;
    traits.wide = traits.odd = traits.loose = false;
    const end = endOfValue(bytes, value);
    if (end < 0) return undefined;
    switch (memberAt(bytes, i)) {
      case 'source':
        if (bytes[value] !== openBrace || traits.odd || source !== undefined) other = true;
        // A text of its own, so that a document that is kept does not keep the whole answer.
        else [source, canonical] = [traits.wide ? bytes.toString('utf8', value, end) : bytes.toString('latin1', value, end), !traits.loose];
        break;
      case 'id': id = textAt(bytes, value, end); break;
      case 'sequence': sequence = numberAt(bytes, value, end); break;
      case 'term': term = numberAt(bytes, value, end); break;
      case 'sort': [place.sort, place.sortEnd] = [value, end]; break;
      case 'found': other ||= bytes[value] !== 0x74; break;
      case 'idle': break;
      case undefined: other = true;
    }
    i = blanks(bytes, end);
    if (bytes[i] === closeBrace) break;
    if (bytes[i] !== comma) return undefined;
    i = blanks(bytes, i + 1);
  }
  place.end = i + 1;
  if (other || id === undefined || source === undefined || sequence < 0 || term < 0) return bytes.toString('utf8', at, i + 1);
  return { id, sequence, term, source, canonical };
}

function textAt(bytes: Buffer, from: number, to: number): string | undefined {
  if (bytes[from] !== quote) return undefined;
  for (let i = from + 1; i < to - 1; i++) if (bytes[i] === backslash) return JSON.parse(bytes.toString('utf8', from, to)) as string;
  return traits.wide ? bytes.toString('utf8', from + 1, to - 1) : bytes.toString('latin1', from + 1, to - 1);
}

/** The number that is written from one place to another, where it counts something; else -1. */
function numberAt(bytes: Buffer, from: number, to: number): number {
  if (to - from > 15 || endOfDigits(bytes, from) !== to) return -1;
  let number = 0;
  for (let i = from; i < to; i++) number = number * 10 + bytes[i]! - 0x30;
  return number;
}
