/**
 * A key names one entry within a store: parts with `/` between them, as in `widget/42`.
 * Any well-formed Unicode string is a key. A part that holds `/` carries it as `%2F` (see {@link joinKey}).
 */
export type Key = string;

/** Orders keys as their UTF-8 bytes, which is how S3, SQLite, Elasticsearch and `COLLATE "C"` order them. */
export function compareKeys(a: Key, b: Key): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** UTF-16 puts surrogate pairs below U+E000; UTF-8 puts them above. This lifts them over. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** A key from its parts. Reversible whatever the parts hold: {@link splitKey} gives them back. */
export function joinKey(parts: readonly string[]): Key {
  return parts.map(escapePart).join('/');
}

/** The parts of a key, as they were given to {@link joinKey}. */
export function splitKey(key: Key): readonly string[] {
  return key.split('/').map(unescapePart);
}

/** What summaries group by: the first part of a key of several parts, else the empty string. */
export function typeOf(key: Key): string {
  const slash = key.indexOf('/');
  return slash < 0 ? '' : unescapePart(key.slice(0, slash));
}

// `%2F` stands for a slash. A part that already looks like that gains a `25` and loses it again on the way back,
// so that the two functions are inverse to each other and ordinary per-cent signs stay as they are.
function escapePart(part: string): string {
  return part.includes('%') || part.includes('/') ? part.replace(/%(?=(?:25)*2F)/g, '%25').replaceAll('/', '%2F') : part;
}

function unescapePart(part: string): string {
  return part.includes('%') ? part.replace(/%((?:25)*)2F/g, (_, escapes: string) => (escapes === '' ? '/' : `%${escapes.slice(2)}2F`)) : part;
}
