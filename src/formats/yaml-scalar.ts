import { SyncError } from '../model/errors.ts';

/**
 * Text on one line, for a value or a key: bare where YAML 1.1 and 1.2 both read it as this text and nothing else, in
 * double quotes otherwise. Refuses, as `invalid`, what is not well-formed Unicode.
 */
export function textScalar(text: string): string {
  if (!text.isWellFormed()) throw new SyncError('invalid', 'YAML cannot hold half a surrogate pair', { hint: 'correct the text' });
  return isBare(text) ? text : quoted(text);
}

/** Whether text of several lines may be written as it is, line by line, under `|` or `|-`. */
export function isLiteral(text: string): boolean {
  // Blanks that end a line and empty lines that end a file are trimmed by editors and hooks, so they never carry meaning.
  return text.includes('\n') && !/^\s|[ \t]\n|[ \t]$|\n\n$|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/.test(text) && text.isWellFormed();
}

/** A number such that both versions read the same one: in YAML 1.1 a float has a dot, and its exponent a sign. */
export function numberScalar(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? '-0.0' : String(value);
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : value < 0 ? '-.inf' : '.nan';
  // In full, a double beyond 2^53 would end in digits it does not have, and read back as another integer.
  const text = Number.isInteger(value) ? value.toExponential() : String(value);
  const exponent = text.indexOf('e');
  return exponent < 0 || text.includes('.') ? text : `${text.slice(0, exponent)}.0${text.slice(exponent)}`;
}

/** Bytes as `!!binary`. */
export function bytesScalar(bytes: Uint8Array): string {
  return `!!binary "${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}"`;
}

const never = /^(?:[\s\-?:,[\]{}#&*!|>'"%@`]|\.\.\.|$)|:(?:\s|$)|\s(?:#|$)|[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/;
const wordlike = /^(?:~|<<|=|null|true|false|yes|no|on|off|y|n)$/i;
// Everything that some reader of YAML takes for a number, a time of day or a date, and a little more.
const numberlike = /^[-+]?(?:[\d.][\d_,.]*(?:e[-+]?[\d_]*)?(?::[\d_.:]*)?|e[-+]?[\d_]+|0x[\da-f_]*|0o[\d_]*|0b[\d_]*|\.(?:inf|nan)|\d{4}-\d\d?-\d\d?(?:[t\s].*)?)$/i;

function isBare(text: string): boolean {
  if (never.test(text)) return false;
  const first = text.charCodeAt(0);
  if (first < 0x3a || first === 0x45 || first === 0x65) return !numberlike.test(text);
  return text.length > 5 || !wordlike.test(text);
}

/** The escapes of JSON are escapes of YAML too; these characters YAML does not allow unescaped, or takes for line ends. */
function quoted(text: string): string {
  const json = JSON.stringify(text);
  return /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/.test(json) ? json.replace(/[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g, escapeUnit) : json;
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
