import type { Collection, Field, FieldType } from '../../model/collection.ts';
import { invalid } from './rules.ts';
import type { FieldRule, Rule } from './rules.ts';
import { shapeOf } from './shape.ts';
import type { Shape } from './shape.ts';

/** What is known of the left side before anything is read. */
export interface Known {
  /** Printable. */
  readonly name: string;
  /** Its collections, where it can describe them. */
  readonly collections: readonly Collection[] | undefined;
  /** The fields that say when a record was modified. */
  readonly times: readonly string[];
  /** Names of collections that it has not, and will be given. */
  readonly awaited?: readonly string[];
}

/** By which documents are known where nobody says otherwise. */
const ownName = 'id';

/** Throws `invalid` with a sentence where rules cannot be: by themselves, or for what the left side is known to hold. */
export function checkRules(rules: readonly Rule[], { name, collections, times, awaited = [] }: Known): void {
  checkCollections(rules, name, collections, awaited);
  // What is written out is checked even where nothing is known.
  const named = rules.flatMap((rule) => (rule.kind !== 'collection' && rule.collection.exact ? [rule.collection.text] : []));
  for (const collection of named) shapeOf(rules, collection);
  for (const rule of rules) {
    if (rule.kind === 'collection') continue;
    const matching = collections?.filter((collection) => rule.collection.matches(collection.name));
    if (matching?.length === 0 && !awaited.some((collection) => rule.collection.matches(collection))) throw invalid(rule.text, `${name} has no collection ${rule.collection.text}`, `use one of ${listed(collections!.map((collection) => collection.name))}, and write a dot within a name as \\.`);
    // An empty list of fields is that of a place that does not say.
    if (matching && matching.length > 0 && !matching.some(({ fields }) => fields.length === 0 || has(fields, rule.path))) throw invalid(rule.text, `there is no field ${rule.path.join('.')} in ${listed(matching.map((collection) => collection.name))} of ${name}`, nearby(matching, rule.path));
    checkKept(rule, matching, times);
  }
  for (const collection of collections ?? []) {
    const shape = shapeOf(rules, collection.name);
    if (shape) checkNames(rules, collection.fields, shape);
  }
}

function checkCollections(rules: readonly Rule[], name: string, collections: readonly Collection[] | undefined, awaited: readonly string[]): void {
  const names = new Map<string, Rule & { kind: 'collection' }>();
  const from = new Map<string, Rule & { kind: 'collection' }>();
  for (const rule of rules) {
    if (rule.kind !== 'collection') continue;
    const [twice, taken] = [from.get(rule.from), names.get(rule.to)];
    if (twice && twice.to !== rule.to) throw invalid(rule.text, `${twice.text} gives it another name`, 'leave out one of them');
    if (taken && taken.from !== rule.from) throw invalid(rule.text, `${taken.text} gives the same name to another collection`, 'choose another one');
    if (collections && !awaited.includes(rule.from) && !collections.some((collection) => collection.name === rule.from)) throw invalid(rule.text, `${name} has no collection ${rule.from}`, `use one of ${listed(collections.map((collection) => collection.name))}`);
    from.set(rule.from, rule);
    names.set(rule.to, rule);
  }
  const clash = collections?.find((collection) => names.has(collection.name) && !from.has(collection.name));
  if (clash) throw invalid(names.get(clash.name)!.text, `${name} has a collection ${clash.name} already`, 'choose another name, or rename that one as well');
}

/** What a record is known by, and when it was modified, has to come across. */
function checkKept(rule: FieldRule, matching: readonly Collection[] | undefined, times: readonly string[]): void {
  if (rule.kind === 'rename') return;
  const [first] = rule.path as readonly [string];
  const does = rule.kind === 'drop' ? 'dropped' : 'masked';
  const keyed = matching?.find(({ key }) => key.includes(first));
  if (keyed) throw invalid(rule.text, `${first} is in the key of ${keyed.name}, and a record without its key is none`, `leave it out: a field of a key can be renamed, and not ${does}`);
  if (!matching?.some(({ key }) => key.length > 0) && first === ownName) throw invalid(rule.text, `documents are known by their ${first}`, `leave it out: it can be renamed, and not ${does}`);
  if (rule.path.length === 1 && times.includes(first)) throw invalid(rule.text, `${first} says when a record was modified`, `leave it out: it can be renamed, and not ${does}`);
}

/** That a name which a field is given is not the name of another field. */
function checkNames(rules: readonly Rule[], fields: readonly Field[], shape: Shape): void {
  for (const [to, from] of shape.back) {
    const clash = fields.some(({ name }) => name === from) && fields.some(({ name }) => name === to) && !shape.fields.has(to);
    if (!clash) continue;
    const rule = rules.find((each) => each.kind === 'rename' && each.to === to && each.path.at(-1) === from);
    throw invalid(rule?.text ?? `rename ${from}=${to}`, `there is a field ${to} already`, 'choose another name, or rename or drop that field as well');
  }
  for (const { name, type } of fields) {
    const below = shape.fields.get(name)?.below;
    const inner = recordIn(type);
    if (below && inner) checkNames(rules, inner, below);
  }
}

function has(fields: readonly Field[], [name, ...rest]: readonly string[]): boolean {
  const field = fields.find((each) => each.name === name);
  if (!field || rest.length === 0) return field !== undefined;
  const inner = recordIn(field.type);
  // What is in a value of JSON, or has no counterpart, is only known when it is read.
  return inner ? has(inner, rest) : field.type.kind === 'json' || field.type.kind === 'other' || field.type.kind === 'map' || field.type.kind === 'list';
}

function recordIn(type: FieldType): readonly Field[] | undefined {
  if (type.kind === 'list' || type.kind === 'set') return recordIn(type.of);
  return type.kind === 'record' ? type.fields : undefined;
}

function nearby(collections: readonly Collection[], path: readonly string[]): string {
  const fields = [...new Set(collections.flatMap((collection) => collection.fields.map((field) => field.name)))];
  return path.length > 1 ? 'check the names on the way to it' : `use one of ${listed(fields)}`;
}

function listed(names: readonly string[]): string {
  const few = names.slice(0, 12);
  return few.length === 0 ? 'none, for there are none' : few.join(', ') + (names.length > few.length ? ', …' : '');
}
