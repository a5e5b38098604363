import { isDocument } from '../model/document.ts';
import type { Value } from '../model/document.ts';

type Reviver = (name: string, value: unknown, context?: { readonly source?: string }) => unknown;

/**
 * What `JSON.parse` answers, with the names that are written. V8 (in Node 24.21) takes a field name that is written with
 * escapes for one that it saw in the same place of another object, where that one holds a backslash: `{"\n": 1}` after
 * `{"\\": 1}` has the field `\`. So it is shown names without escapes, and they get their own afterwards.
 */
export function parseNamed(source: string, reviver?: Reviver): unknown {
  const escaped = escapedNames(source);
  if (escaped.length === 0) return JSON.parse(source, reviver);
  let mark = '\uE000';
  while (source.includes(mark)) mark += '\uE000';
  let [plain, at] = ['', 0];
  escaped.forEach(({ start, end }, i) => {
    plain += `${source.slice(at, start)}"${mark}${i}"`;
    at = end + 1;
  });
  const names = escaped.map(({ start, end }) => JSON.parse(source.slice(start, end + 1)) as string);
  return named(JSON.parse(plain + source.slice(at), reviver) as Value, mark, names);
}

/** Where field names with escapes begin and end, quotes included. */
function escapedNames(source: string): readonly { readonly start: number; readonly end: number }[] {
  const found: { start: number; end: number }[] = [];
  let slash = source.indexOf('\\');
  if (slash < 0) return found;
  for (let start = source.indexOf('"'); start >= 0 && slash >= 0;) {
    const end = endOfText(source, start);
    if (slash < end) {
      if (isName(source, end)) found.push({ start, end });
      slash = source.indexOf('\\', end);
    }
    start = source.indexOf('"', end + 1);
  }
  return found;
}

/** The offset of the quote that closes the text opened at `start`, or of the end. */
export function endOfText(source: string, start: number): number {
  for (let end = source.indexOf('"', start + 1); end >= 0; end = source.indexOf('"', end + 1)) {
    let slash = end - 1;
    while (source.charCodeAt(slash) === 0x5c) slash--;
    if ((end - slash) % 2 === 1) return end;
  }
  return source.length;
}

const blanks = new Set([0x20, 0x09, 0x0a, 0x0d]);

function isName(source: string, end: number): boolean {
  let at = end + 1;
  while (blanks.has(source.charCodeAt(at))) at++;
  return source.charCodeAt(at) === 0x3a;
}

function named(value: Value, mark: string, names: readonly string[]): Value {
  if (Array.isArray(value)) return (value as readonly Value[]).map((item) => named(item, mark, names));
  if (typeof value !== 'object' || value === null || !isDocument(value)) return value;
  const renamed: { [name: string]: Value } = {};
  for (const [name, field] of Object.entries(value)) {
    // A field that is called `__proto__` is one like any other.
    Object.defineProperty(renamed, name.startsWith(mark) ? names[Number(name.slice(mark.length))]! : name, { value: named(field, mark, names), writable: true, enumerable: true, configurable: true });
  }
  return renamed;
}
