import { limits } from '../lib/limits.ts';
import type { Document, Value } from '../model/document.ts';
import { SyncError } from '../model/errors.ts';
import { sortedNames, tooDeepText } from './text.ts';
import { bytesScalar, isLiteral, numberScalar, textScalar } from './yaml-scalar.ts';

/**
 * A value as YAML in block style: fields sorted, two spaces to a level, a line feed at the end, no `---`. The same value
 * always gives the same bytes, and YAML 1.1 and 1.2 read them alike. Refuses, as `invalid`, text that is not
 * well-formed Unicode and what is nested too deep.
 */
export function writeYaml(value: Value): string {
  return `${node(value, '\n', 0)}\n`;
}

/** The same with a leading `---`, so that documents can follow one another. */
export function writeYamlDocument(value: Value): string {
  const text = writeYaml(value);
  return isCollection(value) && !isEmpty(value) ? `---\n${text}` : `--- ${text}`;
}

// Longer keys are not found by readers that look for the colon within 1,024 characters, as YAML lets them.
const longestSimpleKey = 1_000;

/** A value whose further lines begin with `margin`, a line feed and spaces. */
function node(value: Value, margin: string, depth: number): string {
  if (!isCollection(value)) return scalar(value, margin);
  if (depth >= limits.documentDepth) throw new SyncError('invalid', `cannot write a document ${tooDeepText()}`);
  return Array.isArray(value) ? list(value as readonly Value[], margin, depth) : fields(value as Document, margin, depth);
}

function fields(document: Document, margin: string, depth: number): string {
  let text = '';
  for (const name of sortedNames(document)) {
    const value = document[name] as Value;
    const key = textScalar(name);
    if (text !== '') text += margin;
    text += key.length > longestSimpleKey ? `? ${key}${margin}:` : `${key}:`;
    const inner = `${margin}  `;
    if (isCollection(value)) text += (isEmpty(value) ? ' ' : inner) + node(value, inner, depth + 1);
    else text += ` ${scalar(value, margin)}`;
  }
  return text === '' ? '{}' : text;
}

function list(items: readonly Value[], margin: string, depth: number): string {
  let text = '';
  for (const item of items) {
    if (text !== '') text += margin;
    text += isCollection(item) ? `- ${node(item, `${margin}  `, depth + 1)}` : `- ${scalar(item, margin)}`;
  }
  return text === '' ? '[]' : text;
}

function scalar(value: Value, margin: string): string {
  switch (typeof value) {
    case 'string':
      return isLiteral(value) ? literal(value, `${margin}  `) : textScalar(value);
    case 'number':
      return numberScalar(value);
    case 'object':
      return value === null ? 'null' : bytesScalar(value as Uint8Array);
    default:
      return String(value);
  }
}

function literal(text: string, margin: string): string {
  const closed = text.endsWith('\n');
  let block = closed ? '|' : '|-';
  for (const line of (closed ? text.slice(0, -1) : text).split('\n')) block += line === '' ? '\n' : margin + line;
  return block;
}

function isCollection(value: Value): value is readonly Value[] | Document {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

function isEmpty(value: readonly Value[] | Document): boolean {
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
}
