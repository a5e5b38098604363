import { isDocument } from '../../model/document.ts';
import type { Value } from '../../model/document.ts';
import type { Path } from '../../formats/yaml-lines.ts';
import { nearest } from '../../lib/nearest.ts';
import type { Described, Type } from './description.ts';

/** What is wrong with a value, where, and what is allowed there. */
export interface Fault {
  readonly path: Path;
  readonly sentence: string;
}

const words: { readonly [type in Type]: string } = { object: 'a mapping', array: 'a list', string: 'a text', number: 'a number', boolean: 'true or false' };

/** The first thing in a value that is not as described. */
export function findFault(value: Value, described: Described, path: Path = []): Fault | undefined {
  const { anyOf, oneOf, type, enum: allowed } = described;
  const types = typesOf(described);
  const found = typeOf(value);
  if (types.length > 0 && !types.includes(found as Type)) return { path, sentence: `${named(path)} has to be ${listed(types.map((each) => words[each]), 'or')}${found === 'null' ? ', and there is nothing' : ''}` };
  if (anyOf) return findFault(value, anyOf.find((each) => typesOf(each).includes(found as Type)) as Described, path);
  if (allowed && !allowed.includes(value as string)) return { path, sentence: `${named(path)} has to be ${listed(allowed, 'or')}, and ${shown(value)} is none of them` };
  if (typeof value === 'string') return faultOfText(value, described, path);
  if (Array.isArray(value)) return faultOfItems(value as readonly Value[], described, path);
  if (!isDocument(value) || type === undefined && !oneOf && !described.properties) return undefined;
  return oneOf ? faultOfChoice(value, oneOf, path) : faultOfFields(value, described, path);
}

function faultOfText(value: string, { minLength = 0, pattern, $comment }: Described, path: Path): Fault | undefined {
  if (value.length < minLength) return { path, sentence: `${named(path)} is empty` };
  if (pattern !== undefined && !new RegExp(pattern).test(value)) return { path, sentence: `${shown(value)} has to be ${$comment ?? `like ${pattern}`}` };
  return undefined;
}

function faultOfItems(items: readonly Value[], { items: each, minItems = 0 }: Described, path: Path): Fault | undefined {
  if (items.length < minItems) return { path, sentence: `${named(path)} is an empty list` };
  for (const [i, item] of items.entries()) {
    const fault = each && findFault(item, each, [...path, i]);
    if (fault) return fault;
  }
  return undefined;
}

function faultOfChoice(value: { readonly [field: string]: Value }, choices: readonly Described[], path: Path): Fault | undefined {
  const keys = choices.map(({ required = [] }) => required[0] as string);
  const chosen = choices.filter(({ required = [] }) => required.every((name) => Object.hasOwn(value, name)));
  if (chosen.length === 1) return findFault(value, { type: 'object', ...(chosen[0] as Described) }, path);
  return { path, sentence: `${named(path)} has to have ${chosen.length === 0 ? listed(keys, 'or') : `one of ${listed(keys, 'and')}, and not both`}` };
}

function faultOfFields(value: { readonly [field: string]: Value }, { title, properties = {}, patternProperties = {}, required = [], additionalProperties, propertyNames, minProperties = 0 }: Described, path: Path): Fault | undefined {
  for (const [name, field] of Object.entries(value)) {
    const below = [...path, name];
    const misnamed = propertyNames && findFault(name, propertyNames, below);
    if (misnamed) return misnamed;
    const described = Object.hasOwn(properties, name) ? properties[name] : Object.entries(patternProperties).find(([pattern]) => new RegExp(pattern).test(name))?.[1] ?? additionalProperties;
    if (described === false) return { path: below, sentence: unknown(name, Object.keys(properties), path.length === 0 ? 'the file' : title ?? String(path.at(-1))) };
    const fault = described && findFault(field, described, below);
    if (fault) return fault;
  }
  const missing = required.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) return { path, sentence: `${named(path)} has no ${missing}` };
  return Object.keys(value).length < minProperties ? { path, sentence: `${named(path)} is empty` } : undefined;
}

function unknown(name: string, known: readonly string[], where: string): string {
  const guess = nearest(name, known);
  return `${shown(name)} is not allowed in ${where}${guess === undefined ? '' : `, did you mean ${guess}?`} (allowed: ${known.join(', ')})`;
}

function typesOf({ type, anyOf }: Described): readonly Type[] {
  if (anyOf) return anyOf.flatMap(typesOf);
  return type === undefined ? [] : [type].flat() as readonly Type[];
}

function typeOf(value: Value): Type | 'null' {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'bigint' ? 'number' : (typeof value as Type);
}

function named(path: Path): string {
  const last = path.findLast((part) => typeof part === 'string');
  return last === undefined ? 'the file' : typeof path.at(-1) === 'number' ? `item ${Number(path.at(-1)) + 1} of ${last}` : String(last);
}

function shown(value: Value): string {
  const text = String(value);
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

function listed(parts: readonly string[], last: 'or' | 'and'): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} ${last} ${parts.at(-1)}`;
}
