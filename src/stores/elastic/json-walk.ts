// Walks JSON in bytes without making anything of it, several times as fast as it could be parsed by such means. Places are offsets; -1
// says that the text is not sound there, and is taken and given on as such.
import { limits } from '../../lib/limits.ts';

/** What was met on the way, until somebody takes it back: one for all, since no walk waits for anything. */
export const traits: {
  /** More than ASCII. */
  wide: boolean;
  /** Anything with which a line of JSON cannot be passed on as it is: several lines, half a character, a number that may be out of range. */
  odd: boolean;
  /** Anything that the canonical text of the value may write in another way. */
  loose: boolean;
} = { wide: false, odd: false, loose: false };

const [quote, comma, colon, openBracket, closeBracket, openBrace, closeBrace, backslash] = [0x22, 0x2c, 0x3a, 0x5b, 0x5d, 0x7b, 0x7d, 0x5c];
/** More digits than a double has room for. */
const mostDigits = 300;
/** So many digits and a point, however they are chosen, are told apart by doubles. */
const mostCertain = 16;
/** What becomes of a byte within a text: 0, it goes on; 1, it is more than ASCII; 2, an escape; 3, the end, or what may not be there. */
const inText = new Uint8Array(256).fill(3, 0, 0x20).fill(1, 0x80);
[inText[quote], inText[backslash]] = [3, 2];
/** Which of the brackets that are open are braces. */
const braces = new Uint8Array(limits.documentDepth);
/** Where the name begins that was met last in each of the braces that are open. */
const names = new Int32Array(limits.documentDepth + 1);
const words = ['true', 'false', 'null'].map((word) => Buffer.from(word));

/** Where anything but blanks comes next. */
export function blanks(bytes: Uint8Array, at: number): number {
  let i = at;
  for (let byte = bytes[i]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = bytes[++i]) {
    if (byte !== 0x20) traits.odd = true;
    traits.loose = true;
  }
  return i;
}

/** Whether the name that begins at the one place comes behind the one at the other, and both are so plain that their bytes tell. */
function isBehind(bytes: Uint8Array, at: number, other: number): boolean {
  for (let i = 1; ; i++) {
    const byte = bytes[at + i]!;
    const before = bytes[other + i]!;
    if (byte === before && inText[byte] === 0) continue;
    // The end of a name comes before whatever another one goes on with.
    return before === quote ? inText[byte] === 0 : inText[byte] === 0 && inText[before] === 0 && byte > before;
  }
}

/** Where the value begins whose name begins at `at`. */
export function startOfNamed(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== quote) return -1;
  const end = endOfText(bytes, at);
  const i = bytes[end] === colon ? end : blanks(bytes, end);
  return bytes[i] === colon ? blanks(bytes, i + 1) : -1;
}

/** Whether this, quotes included, is what stands at `at`. */
export function nameBegins(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return false;
  return true;
}

/** Where the value ends that begins at `at`. */
export function endOfValue(bytes: Uint8Array, at: number): number {
  let depth = 0;
  let brace = false;
  let i = at;
  for (;;) {
    const byte = bytes[i];
    if (byte === openBrace || byte === openBracket) {
      if (depth === limits.documentDepth) return -1;
      brace = byte === openBrace;
      braces[depth++] = brace ? 1 : 0;
      i = blanks(bytes, i + 1);
      if (bytes[i] !== (brace ? closeBrace : closeBracket)) {
        if (brace) {
          names[depth] = i;
          i = startOfNamed(bytes, i);
        }
        if (i < 0) return -1;
        continue;
      }
    } else {
      i = byte === quote ? endOfText(bytes, i) : endOfScalar(bytes, i);
      if (i < 0 || depth === 0) return i;
      i = blanks(bytes, i);
    }
    // Behind a value, or at the end of what is open.
    for (let next = bytes[i]; next !== comma; next = bytes[i]) {
      if (next !== (brace ? closeBrace : closeBracket)) return -1;
      i++;
      if (--depth === 0) return i;
      brace = braces[depth - 1] === 1;
      i = blanks(bytes, i);
    }
    i = blanks(bytes, i + 1);
    if (brace) {
      if (!isBehind(bytes, i, names[depth]!)) traits.loose = true;
      names[depth] = i;
      i = startOfNamed(bytes, i);
    }
    if (i < 0) return -1;
  }
}

function endOfText(bytes: Uint8Array, at: number): number {
  let i = at + 1;
  for (;;) {
    let kind = inText[bytes[i]!];
    while (kind === 0) kind = inText[bytes[++i]!];
    if (kind === 3 || kind === undefined) return bytes[i] === quote ? i + 1 : -1;
    if (kind === 1) {
      traits.wide = true;
      i++;
    } else {
      i = endOfEscape(bytes, i + 1);
      if (i < 0) return -1;
    }
  }
}

/** Behind the escape whose backslash is before `at`. */
function endOfEscape(bytes: Uint8Array, at: number): number {
  switch (bytes[at]) {
    case 0x2f: traits.loose = true; return at + 1;
    case 0x22: case 0x5c: case 0x62: case 0x66: case 0x6e: case 0x72: case 0x74: return at + 1;
    case 0x75: break;
    default: return -1;
  }
  traits.loose = true;
  const unit = unitAt(bytes, at + 1);
  if (unit < 0) return -1;
  if (unit < 0xd800 || unit > 0xdfff) return at + 5;
  // Half of a character is no text that everybody takes.
  const other = unit < 0xdc00 && bytes[at + 5] === backslash && bytes[at + 6] === 0x75 ? unitAt(bytes, at + 7) : -1;
  if (other >= 0xdc00 && other <= 0xdfff) return at + 11;
  traits.odd = true;
  return at + 5;
}

function unitAt(bytes: Uint8Array, at: number): number {
  let unit = 0;
  for (let i = at; i < at + 4; i++) {
    const byte = bytes[i] ?? 0;
    const letter = byte | 0x20;
    const digit = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

function endOfScalar(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === 0x74 || byte === 0x66 || byte === 0x6e) {
    for (const word of words) if (nameBegins(bytes, at, word)) return at + word.length;
    return -1;
  }
  return endOfNumber(bytes, at);
}

function endOfNumber(bytes: Uint8Array, at: number): number {
  const start = bytes[at] === 0x2d ? at + 1 : at;
  let i = endOfDigits(bytes, start);
  const whole = i;
  if (i === start || (bytes[start] === 0x30 && i > start + 1)) return -1;
  if (bytes[i] === 0x2e) {
    const fraction = i + 1;
    i = endOfDigits(bytes, fraction);
    if (i === fraction) return -1;
  }
  if (bytes[i] === 0x65 || bytes[i] === 0x45) {
    const exponent = bytes[i + 1] === 0x2b || bytes[i + 1] === 0x2d ? i + 2 : i + 1;
    i = endOfDigits(bytes, exponent);
    if (i === exponent) return -1;
    // It may be beyond what a double holds.
    if (i - exponent > 2) traits.odd = true;
  }
  if (i - at > mostDigits) traits.odd = true;
  // An integer is written as it is, whatever its size; of anything else the text that a double has is the shortest.
  if (!traits.loose && (i > whole ? !isShortest(bytes, start, i) : bytes[start] === 0x30 && start > at)) traits.loose = true;
  return i;
}

/** Whether a number that is no integer by its looks is written in as few digits as tell it from the next. */
function isShortest(bytes: Uint8Array, from: number, to: number): boolean {
  // So few digits are, unless they begin or end in zeros.
  if (to - from <= mostCertain && bytes[from] !== 0x30 && bytes[to - 1] !== 0x30) {
    let i = endOfDigits(bytes, from);
    if (bytes[i] === 0x2e) i = endOfDigits(bytes, i + 1);
    if (i === to) return true;
  }
  const text = String.fromCharCode(...bytes.subarray(from, to));
  const number = Number(text);
  return String(number) === text && !Number.isInteger(number);
}

/** Where the digits end that begin at `at`. */
export function endOfDigits(bytes: Uint8Array, at: number): number {
  let i = at;
  for (let byte = bytes[i]; byte !== undefined && byte >= 0x30 && byte <= 0x39; byte = bytes[++i]);
  return i;
}
