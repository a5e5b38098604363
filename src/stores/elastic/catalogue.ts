import { isDocument } from '../../model/document.ts';
import type { Document } from '../../model/document.ts';
import { SyncError } from '../../model/errors.ts';
import { matchesGlob } from '../records/chooser.ts';

/**
 * Which indices are which collections. `index`: each by its own name. `suffix`: of the path `app`, the index `app-users` is the
 * collection `users`. `auto`: as `index` where the index `app` is there, as `suffix` where indices `app-…` are; never both.
 */
export type Layout = 'auto' | 'index' | 'suffix';

/** One index that is a collection. */
export interface IndexOf {
  readonly collection: string;
  /** What it is asked for by: its name, or that of its alias. */
  readonly target: string;
  /** The name of the index itself. */
  readonly index: string;
  /** Tells it from another index of the same name. */
  readonly uuid: string;
  readonly open: boolean;
  readonly shards: number;
  readonly mapping: Document;
  /** Why it cannot be read as a collection. */
  readonly flaw?: string;
}

/** What a place has, and which names it gives to what it has not. */
export interface Catalogue {
  readonly collections: ReadonlyMap<string, IndexOf>;
  /** The index for a collection that is to be made; `undefined` where such a one has no place here. */
  indexFor(collection: string): string | undefined;
}

/** The expression that asks the server for everything that a path may stand for. */
export function expressionOf(path: string, layout: Layout): string {
  if (path === '') return '*';
  if (isPattern(path) || layout === 'index') return path;
  return layout === 'suffix' ? `${path}-*` : `${path},${path}-*`;
}

/** Reads the answer to `GET /<expression>`. Throws `invalid` where a path stands for two things. */
export function readCatalogue(answer: Document, { path, layout, name }: { readonly path: string; readonly layout: Layout; readonly name: string }): Catalogue {
  const indices = Object.entries(answer).flatMap(([index, about]) => (isDocument(about) && !isReplaced(about) ? [{ index, about }] : []));
  const names = indices.flatMap(({ index, about }) => [...(isFresh(index) ? [] : [index]), ...namesBeside(about)]);
  const prefix = path === '' || isPattern(path) || layout === 'index' ? undefined : layout === 'suffix' ? `${path}-` : prefixBy(path, names, name);
  const matches = matcherOf(prefix === undefined ? path : `${prefix}*`);
  const found = new Map<string, IndexOf>();
  for (const { index, about } of indices) {
    const aliases = namesBeside(about).filter(matches);
    // What has an alias here is known by that: what lies behind one changes.
    const targets = aliases.length > 0 ? aliases : matches(index) && !isFresh(index) ? [index] : [];
    for (const target of targets) {
      const collection = prefix === undefined ? target : target.slice(prefix.length);
      if (collection === '') continue;
      const other = found.get(collection);
      const flaw = about['data_stream'] === target ? `it is a data stream, whose indices are read by their own names, such as ${index}` : other ? `it stands for several indices, as ${[other.index, index].toSorted().join(' and ')}` : sourceFlaw(about);
      found.set(collection, { collection, target, index, ...factsOf(about), ...(flaw !== undefined && { flaw }) });
    }
  }
  return {
    collections: new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    indexFor(collection) {
      if (prefix !== undefined) return `${prefix}${collection}`;
      // With nothing there yet, one collection of the very name is the index, and any other is one of many.
      if (layout === 'auto' && path !== '' && !isPattern(path) && names.length === 0) return collection === path ? path : `${path}-${collection}`;
      return matches(collection) ? collection : undefined;
    },
  };
}

/** Reads the same answer for indices that are known, by their names, to be what collections are filled into. */
export function readFresh(answer: Document, fresh: ReadonlyMap<string, string>): Catalogue {
  const found = Object.entries(answer).flatMap(([index, about]): [string, IndexOf][] => {
    const collection = fresh.get(index);
    return collection === undefined || !isDocument(about) ? [] : [[collection, { collection, target: index, index, ...factsOf(about) }]];
  });
  return { collections: new Map(found.toSorted(([a], [b]) => (a < b ? -1 : 1))), indexFor: () => undefined };
}

/** Whether an index is one that a swap has made. Until it has an alias nobody else is to see it, and then it is known by that. */
export function isFresh(index: string): boolean {
  return /-syncline-\d{20}$/.test(index);
}

const replaced = '-syncline-old';

/** The alias of an index that another one has taken the place of, until it is removed. */
export function replacedAs(target: string): string {
  return target + replaced;
}

function isReplaced(about: Document): boolean {
  return aliasesOf(about).some((alias) => alias.endsWith(replaced));
}

/** The prefix that a path stands for; `undefined` where it is the name of an index, or of nothing yet. */
function prefixBy(path: string, names: readonly string[], place: string): string | undefined {
  const many = names.some((name) => name.startsWith(`${path}-`));
  if (many && names.includes(path)) {
    throw new SyncError('invalid', `${place} may be the index ${path}, or those that begin with ${path}-, and there are both`, { store: place, hint: 'add layout=index or layout=suffix' });
  }
  return many ? `${path}-` : undefined;
}

function aliasesOf(about: Document): readonly string[] {
  return isDocument(about['aliases']) ? Object.keys(about['aliases']) : [];
}

/** What an index is known by beside its name: its aliases, and the data stream that it is a part of. */
function namesBeside(about: Document): readonly string[] {
  const stream = about['data_stream'];
  return typeof stream === 'string' ? [...aliasesOf(about), stream] : aliasesOf(about);
}

function factsOf(about: Document): Pick<IndexOf, 'uuid' | 'open' | 'shards' | 'mapping'> {
  const settings = isDocument(about['settings']) && isDocument(about['settings']['index']) ? about['settings']['index'] : {};
  return {
    uuid: String(settings['uuid'] ?? ''),
    open: settings['verified_before_close'] !== 'true',
    shards: Number(settings['number_of_shards'] ?? 1),
    mapping: isDocument(about['mappings']) ? about['mappings'] : {},
  };
}

/** What makes an index one that documents cannot be read back from. */
function sourceFlaw(about: Document): string | undefined {
  const mapping = isDocument(about['mappings']) ? about['mappings'] : {};
  const source = isDocument(mapping['_source']) ? mapping['_source'] : {};
  if (source['enabled'] === false || source['enabled'] === 'false') return 'it does not keep what was written into it (_source is off)';
  if (source['mode'] === 'synthetic' || source['includes'] !== undefined || source['excludes'] !== undefined) return 'it does not keep documents as they were written (_source is made up, or a part)';
  return undefined;
}

function isPattern(path: string): boolean {
  return path.includes('*') || path.includes(',');
}

/** Whether a name is one of a list of names and patterns. What begins with a dot is the server's own, unless it is asked for by that dot. */
function matcherOf(list: string): (name: string) => boolean {
  const patterns = (list === '' ? '*' : list).split(',');
  return (name) => patterns.some((pattern) => (pattern.startsWith('.') || !name.startsWith('.')) && matchesGlob(name, pattern));
}
