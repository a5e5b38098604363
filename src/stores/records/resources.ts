import { isDocument } from '../../model/document.ts';
import type { Entry } from '../../model/entry.ts';
import { typeOf } from '../../model/key.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { CallOptions, Fresh, Outcome, Page, Sink, Source, Store, Write } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import { entryFacts } from '../../schema/identity.ts';
import type { AddressPattern } from '../../schema/pattern.ts';
import type { Schema } from '../../schema/schema.ts';
import { listedAs } from './listed-as.ts';
import { passedOn } from './passed-on.ts';

/** How records are taken for resources. */
export interface ResourceOptions {
  readonly schema: Schema;
  /** Where those are that do not say so themselves. */
  readonly pattern?: AddressPattern;
}

/**
 * A store of documents as an API sees it: documents are compared as resources are, without the host in their links, and each
 * has the address that its own link or the pattern says. One that has none stays as it is.
 */
export function resources(store: Store, options: ResourceOptions): Store {
  const { tombstones, fresh } = store;
  return {
    ...passedOn(store),
    get capabilities() { return store.capabilities; },
    scan: (asked) => listedAs(store, (entry) => asResource(entry, options), asked),
    read: async (refs, asked) => (await store.read(refs, asked)).map((entry) => entry && asResource(entry, options)),
    write: (batch, asked) => write(store, options, batch, asked),
    ...(tombstones && {
      async *tombstones(asked?: Parameters<NonNullable<Source['tombstones']>>[0]): AsyncGenerator<Page> {
        // What was deleted has nothing but its key, whose parts have to be those of the pattern.
        const described = options.pattern ? await store.describe?.(asked?.signal && { signal: asked.signal }) : [];
        const misfits = new Set(described?.flatMap((collection) => (options.schema.misfit?.(collection) ? [collection.name] : [])));
        for await (const page of tombstones.call(store, asked)) yield { ...page, entries: page.entries.map((entry) => (misfits.has(typeOf(entry.key)) ? entry : asResource(entry, options))) };
      },
    }),
    ...(fresh && { fresh: async (...given: Parameters<NonNullable<Sink['fresh']>>) => asFresh(await fresh.apply(store, given), options) }),
  };
}

function asResource(entry: Entry, { schema, pattern }: ResourceOptions): Entry {
  const { key, content } = entry;
  const place = pattern?.addressOf(key);
  // Of what was deleted nothing may be left that could say where it was.
  if (content?.kind !== 'document' || !isDocument(content.document)) return place === undefined || entry.address !== undefined ? entry : { ...entry, address: place };
  const { document } = content;
  const identity = schema.identify(document, place);
  const digest = entry.digest && schema.comparable(document) !== document ? { digest: digestDocument(document, schema) } : {};
  // What is called otherwise there than here would be written, and never be found again.
  return { ...entry, ...(!('problem' in identity) && identity.key === key && entry.address === undefined && entryFacts(identity)), ...digest };
}

async function write(store: Store, options: ResourceOptions, batch: readonly Write[], asked: CallOptions = {}): Promise<readonly Outcome[]> {
  const outcomes = [...await store.write(batch, asked)];
  const changed: number[] = [];
  for (const [i, outcome] of outcomes.entries()) {
    const given = batch[i]!;
    if (outcome.kind === 'stale' && outcome.found) outcomes[i] = { ...outcome, found: asResource(outcome.found, options) };
    if (outcome.kind !== 'done' || given.kind !== 'put' || outcome.stat.digest === undefined || given.entry.content.kind !== 'document') continue;
    const { document } = given.entry.content;
    if (options.schema.comparable(document) === document) continue;
    if (outcome.stat.digest.value === digestDocument(document).value) outcomes[i] = { ...outcome, stat: { ...outcome.stat, digest: digestDocument(document, options.schema) } };
    else changed.push(i);
  }
  // What the store has made something else of is looked at once more.
  const found = changed.length === 0 ? [] : await store.read(changed.map((i) => ({ key: keyOfWrite(batch[i]!) })), asked);
  for (const [n, i] of changed.entries()) {
    const outcome = outcomes[i]!;
    if (outcome.kind !== 'done') continue;
    const { digest: _, ...stat } = outcome.stat;
    const digest = found[n] && asResource(found[n], options).digest;
    outcomes[i] = { ...outcome, stat: digest ? { ...stat, digest } : stat };
  }
  return outcomes;
}

function asFresh(fresh: Fresh, options: ResourceOptions): Fresh {
  return {
    fill: async (names, asked) => resources(await fresh.fill(names, asked), options),
    swap: (asked) => fresh.swap(asked),
    [Symbol.asyncDispose]: async () => await fresh[Symbol.asyncDispose](),
  };
}
