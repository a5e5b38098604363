import { canonicalJson } from '../../lib/canonical-json.ts';
import { isDocument } from '../../model/document.ts';
import type { Document, Value } from '../../model/document.ts';
import type { MaskMethod } from './rules.ts';
import type { Fate, Shape } from './shape.ts';

/** How texts are masked, by method. */
export type Maskers = { readonly [method in MaskMethod]: (text: string) => string };

/** Why a document has no counterpart on the other side, as the end of a sentence that begins with what is held. */
export class NoCounterpart extends Error {}

/** A document of the left side as the right side sees it. `seen` is told of each field that a rule is about. */
export function outward(document: Document, shape: Shape, maskers: Maskers, seen?: (fate: Fate) => void): Document {
  const fields: [string, Value][] = [];
  for (const name of Object.keys(document)) {
    const value = document[name] as Value;
    const fate = shape.fields.get(name);
    if (!fate) {
      const other = shape.back.get(name);
      if (other !== undefined) throw new NoCounterpart(`a field ${JSON.stringify(name)}, which is what ${JSON.stringify(other)} is to be renamed to`);
      fields.push([name, value]);
      continue;
    }
    seen?.(fate);
    if (fate.drop) continue;
    if (fate.mask) fields.push([fate.to, masked(value, fate.mask, maskers)]);
    else fields.push([fate.to, fate.below ? within(value, (each) => outward(each, fate.below!, maskers, seen)) : value]);
  }
  return Object.fromEntries(fields);
}

/** A value with each record in it mapped. Lists are looked through: what a path leads to is not spared because there are several of it. */
function within(value: Value, map: (document: Document) => Document): Value {
  if (Array.isArray(value)) return (value as readonly Value[]).map((item) => within(item, map));
  return isDocument(value) ? map(value) : value;
}

function masked(value: Value, method: MaskMethod, maskers: Maskers): Value {
  if (value === null) return null;
  if (Array.isArray(value)) return (value as readonly Value[]).map((item) => masked(item, method, maskers));
  // The last characters of what is no text say something else than they would of a number on a card.
  const readable = method === 'last4' && (isDocument(value) || value instanceof Uint8Array) ? 'redact' : method;
  return maskers[readable](textOf(value));
}

/** Equal values of one kind have equal texts, and a number the same as the text that is written like it, so that what refers to another still does. */
function textOf(value: Exclude<Value, null>): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex');
  return canonicalJson(value);
}

/**
 * A document of the right side as the left side is to hold it. What the right side cannot know is taken from `held`, which is there
 * now; without it, there is none. Throws {@link NoCounterpart} where what is held could not be kept.
 */
export function inward(document: Document, shape: Shape, held: Document | undefined, maskers: Maskers): Document {
  const fields = new Map<string, Value>();
  for (const name of Object.keys(document)) {
    const renamed = shape.back.get(name);
    const from = renamed ?? name;
    const fate = shape.fields.get(from);
    if (renamed === undefined && fate && fate.to !== name) throw new NoCounterpart(`a field ${JSON.stringify(name)}, which is ${JSON.stringify(fate.to)} there`);
    if (fate?.drop || fate?.mask) continue;
    const value = document[name] as Value;
    fields.set(from, fate?.below ? refilled(value, fate.below, own(held, from), maskers) : value);
  }
  if (held && shape.lossy) {
    for (const [name, fate] of shape.fields) {
      const value = own(held, name);
      if (value === undefined || fields.has(name)) continue;
      const kept = fate.drop || fate.mask ? value : fate.below ? unseen(value, fate.below) : undefined;
      if (kept !== undefined) fields.set(name, kept);
    }
  }
  return Object.fromEntries(fields);
}

function refilled(value: Value, shape: Shape, held: Value | undefined, maskers: Maskers): Value {
  if (isDocument(value)) return inward(value, shape, isDocument(held) ? held : without(held, shape), maskers);
  const hidden = held === undefined || !shape.lossy ? undefined : unseenAnywhere(held, shape);
  if (Array.isArray(value)) {
    const items = value as readonly Value[];
    if (!hidden) return items.map((item) => refilled(item, shape, undefined, maskers));
    if (canonicalJson(within(held!, (each) => outward(each, shape, maskers))) === canonicalJson(value)) return held!;
    throw new NoCounterpart('another list than was there, and of which of its items the fields are that do not come across, nobody can tell');
  }
  if (!hidden) return value;
  if (value === null && isDocument(held)) return unseen(held, shape) ?? null;
  throw new NoCounterpart('a value in the place of a record some fields of which do not come across');
}

/** Nothing to fill in from, where that loses nothing. */
function without(held: Value | undefined, shape: Shape): undefined {
  if (held !== undefined && shape.lossy && unseenAnywhere(held, shape)) throw new NoCounterpart('one record in the place of several, some fields of which do not come across');
  return undefined;
}

/** Of a value only what does not come across; `undefined` where there is no such thing. */
function unseen(value: Value, shape: Shape): Document | undefined {
  if (!isDocument(value)) {
    if (unseenAnywhere(value, shape)) throw new NoCounterpart('nothing in the place of a list some fields of which do not come across');
    return undefined;
  }
  const fields: [string, Value][] = [];
  for (const [name, { drop, mask, below }] of shape.fields) {
    const there = own(value, name);
    if (there === undefined) continue;
    const kept = drop || mask ? there : below ? unseen(there, below) : undefined;
    if (kept !== undefined) fields.push([name, kept]);
  }
  return fields.length > 0 ? Object.fromEntries(fields) : undefined;
}

function unseenAnywhere(value: Value, shape: Shape): boolean {
  if (Array.isArray(value)) return (value as readonly Value[]).some((item) => unseenAnywhere(item, shape));
  if (!isDocument(value)) return false;
  return [...shape.fields].some(([name, { drop, mask, below }]) => {
    const there = own(value, name);
    return there !== undefined && (drop || mask ? true : below !== undefined && unseenAnywhere(there, below));
  });
}

function own(document: Document | undefined, name: string): Value | undefined {
  return document !== undefined && Object.hasOwn(document, name) ? document[name] : undefined;
}
