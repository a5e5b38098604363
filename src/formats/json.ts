import { limits } from '../lib/limits.ts';
import { isDocument, type Value } from '../model/document.ts';
import { SyncError } from '../model/errors.ts';
import { findJsonFault } from './json-fault.ts';
import { endOfText, parseNamed } from './json-names.ts';
import { JsonSplitter } from './json-stream.ts';
import { corrupt, decodeUtf8, lineFeeds, sortedNames, tooDeep, tooDeepText, tooLong, type Found } from './text.ts';

/**
 * The value of a JSON text. Integers of any size are kept, and every field, `__proto__` included. Refuses, as `corrupt`
 * and with place and line, what is not JSON, nested too deep or out of range. `line`: the first line's number.
 */
export function readJson(text: string, place: string, line = 1): Value {
  const source = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  if (source.length > limits.documentBytes) throw tooLong(place, line);
  if (isTooDeep(source)) throw tooDeep(place, line);
  try {
    return parseNamed(source, suspicious.test(source) ? exact : undefined) as Value;
  } catch (error) {
    if (error instanceof RangeError) throw corrupt(place, line, error.message);
    if (!(error instanceof SyntaxError)) throw error;
    const { at, what } = findJsonFault(source);
    throw corrupt(place, line + lineFeeds(source, at), what);
  }
}

/**
 * The values of a stream of JSON: one value to a line, one value over many lines, values one after the other, or a
 * list, whose items then are the values. Holds one value at a time.
 */
export async function* readJsonStream(chunks: AsyncIterable<Uint8Array>, place: string): AsyncGenerator<Found, void, undefined> {
  const splitter = new JsonSplitter(place, (text, line) => readJson(text, place, line));
  for await (const text of decodeUtf8(chunks, place)) yield* splitter.push(text);
  yield* splitter.end();
}

/**
 * One line of JSON: fields sorted, `", "` and `": "` between, everything beyond ASCII escaped. Refuses, as `invalid`, bytes
 * and numbers that JSON does not have, and what is nested too deep.
 */
export function writeJson(value: Value): string {
  return line(value, 0);
}

/** JSON for people: fields sorted, two spaces to a level, a line feed at the end. Refuses what {@link writeJson} refuses. */
export function writeJsonIndented(value: Value): string {
  return `${lines(value, 0, '\n')}\n`;
}

// Only a run of digits as long as this, or an exponent of three digits, can be a number that a double does not hold. Within
// text, and behind a point, digits are many and mean nothing.
const suspicious = /(?:^|[\s:,[])-?\d(?:\d{15}|[\d.]*[eE]\+?\d{3})/;
const longestInteger = 100_000;

function exact(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  if (/^-?\d+$/.test(source)) {
    if (source.length > longestInteger) throw new RangeError(`an integer of ${source.length} digits`);
    return BigInt(source);
  }
  if (!Number.isFinite(value)) throw new RangeError(`the number ${source.slice(0, 40)} is out of range`);
  return value;
}

/** Whether brackets nest too deep. Looked for in the text, because the platform's parser takes memory for every level. */
function isTooDeep(source: string): boolean {
  if (source.length <= 2 * limits.documentDepth) return false;
  let depth = 0;
  for (let i = 0; i < source.length; i++) {
    switch (source.charCodeAt(i)) {
      case 0x22:
        i = endOfText(source, i);
        break;
      case 0x5b:
      case 0x7b:
        if (++depth > limits.documentDepth) return true;
        break;
      case 0x5d:
      case 0x7d:
        depth--;
        break;
      default:
    }
  }
  return false;
}

function line(value: Value, depth: number): string {
  if (typeof value === 'string') return ascii(value);
  if (typeof value !== 'object' || value === null) return scalarText(value);
  const items = Array.isArray(value) ? (value as readonly Value[]) : undefined;
  checkContainer(value, depth);
  let text = '';
  if (items !== undefined) {
    for (const item of items) text += `${text === '' ? '[' : ', '}${line(item, depth + 1)}`;
    return text === '' ? '[]' : `${text}]`;
  }
  if (!isDocument(value)) throw unwritable('bytes');
  for (const name of sortedNames(value)) text += `${text === '' ? '{' : ', '}${ascii(name)}: ${line(value[name] as Value, depth + 1)}`;
  return text === '' ? '{}' : `${text}}`;
}

function lines(value: Value, depth: number, margin: string): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return scalarText(value);
  checkContainer(value, depth);
  const inner = `${margin}  `;
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value as readonly Value[]) text += `${text === '' ? '[' : ','}${inner}${lines(item, depth + 1, inner)}`;
    return text === '' ? '[]' : `${text}${margin}]`;
  }
  if (!isDocument(value)) throw unwritable('bytes');
  for (const name of sortedNames(value)) text += `${text === '' ? '{' : ','}${inner}${JSON.stringify(name)}: ${lines(value[name] as Value, depth + 1, inner)}`;
  return text === '' ? '{}' : `${text}${margin}}`;
}

function checkContainer(value: object, depth: number): void {
  if (depth >= limits.documentDepth) throw new SyncError('invalid', `cannot write a document ${tooDeepText()}`);
  if (value instanceof Uint8Array) throw unwritable('bytes');
}

function scalarText(value: null | boolean | number | bigint): string {
  if (typeof value !== 'number') return String(value);
  if (!Number.isFinite(value)) throw unwritable(`the number ${value}`);
  if (Object.is(value, -0)) return '-0.0';
  // In full, a double beyond 2^53 would end in digits it does not have, and read back as another integer.
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value);
}

function unwritable(what: string): SyncError {
  return new SyncError('invalid', `JSON cannot hold ${what}`, { hint: 'write YAML instead' });
}

function ascii(text: string): string {
  const quoted = JSON.stringify(text);
  return /[^\x20-\x7e]/.test(quoted) ? quoted.replace(/[^\x20-\x7e]/g, escapeUnit) : quoted;
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
