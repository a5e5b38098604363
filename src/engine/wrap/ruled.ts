import { hash } from 'node:crypto';
import { fieldsInward, fieldsOutward } from '../../core/rules/describing.ts';
import type { Maskers } from '../../core/rules/mapping.ts';
import { canonicalJson } from '../../lib/canonical-json.ts';
import type { Collection } from '../../model/collection.ts';
import type { Document } from '../../model/document.ts';
import { withoutContent } from '../../model/entry.ts';
import type { Digest, Entry, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { typeOf } from '../../model/key.ts';
import { isSink, isSource } from '../../model/store.ts';
import type { CallOptions, Capabilities, FingerprintOptions, Hint, Page, Problem, ScanOptions, Sink, Source, Store, Write } from '../../model/store.ts';
import type { Naming } from './naming.ts';
import { RuledWriter } from './ruled-writer.ts';
import { entryOutward } from './ruling.ts';
import type { Ruling } from './ruling.ts';
import { Sightings } from './sightings.ts';

/** How a place is shown under rules. */
export interface RuledOptions {
  /** What the rules come to. That they can be is for whoever makes them to check; see `checkRules`. */
  readonly naming: Naming;
  readonly maskers: Maskers;
  /** Tells these rules, and what they mask with, from others. What was learned is kept under it. No secrets. */
  readonly identity: string;
  /** How documents are compared. Default: as they are. */
  readonly digest?: (document: Document) => Digest;
  /** Is told, in a sentence, of a rule whose field was in nothing that a whole scan has read. */
  readonly warn?: (sentence: string) => void;
}

/**
 * A place as the other side wants it: collections and fields renamed, fields dropped or masked, both ways. What does not come across
 * is kept when an entry is written back, filled in from what is held, in the same operation as far as the place can decide that.
 * A place whose rules are about nothing but names is as able as it was.
 */
export function ruled<Place extends Store | Source | Sink>(place: Place, { naming, maskers, identity: under, digest = plainDigest, warn }: RuledOptions): Place {
  if (place.capabilities.holds !== 'documents') throw new SyncError('invalid', `${place.name} holds files, and rules are about the fields of documents`, { store: place.name, hint: 'pass --as documents, or leave out --rename, --drop and --mask' });
  const ruling: Ruling = { naming, maskers, place: place.name, digestOf: digest };
  const shared = {
    name: place.name,
    identity: `${place.identity} under ${under}`,
    get capabilities(): Capabilities { return capabilitiesOf(place.capabilities, naming); },
    [Symbol.asyncDispose]: (): Promise<void> => Promise.resolve(place[Symbol.asyncDispose]()),
  };
  const reading = isSource(place) ? sourceOf(place, ruling, warn) : {};
  const writing = isSink(place) ? sinkOf(place, ruling, under) : {};
  // What a getter answers may change once the place is open, so members are moved and not copied.
  return Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(shared), ...Object.getOwnPropertyDescriptors(reading), ...Object.getOwnPropertyDescriptors(writing) }) as Place;
}

function plainDigest(document: Document): Digest {
  return { algorithm: 'document', value: hash('sha256', canonicalJson(document)) };
}

function capabilitiesOf(inner: Capabilities, naming: Naming): Capabilities {
  const { limits } = inner;
  return {
    ...inner,
    order: naming.keepOrder ? inner.order : 'none',
    limits: { ...limits, keyBytes: Math.max(1, limits.keyBytes - naming.addBytes) },
  };
}

function sourceOf(source: Source, ruling: Ruling, warn: RuledOptions['warn']): Pick<Source, 'scan' | 'read' | 'watch' | 'fingerprint' | 'clock' | 'estimate' | 'describe' | 'tombstones'> {
  const { naming } = ruling;
  return {
    scan: (options) => scan(source, ruling, warn, options),
    read: (refs, options) => read(source, ruling, refs, options),
    ...(source.watch && {
      async *watch(options: { readonly signal: AbortSignal }): AsyncGenerator<readonly Hint[]> {
        for await (const hints of source.watch?.(options) ?? []) yield hints.map(({ under }) => ({ under: naming.outward(under) ?? '' }));
      },
    }),
    ...(source.clock && { clock: source.clock.bind(source) }),
    ...(source.estimate && { estimate: source.estimate.bind(source) }),
    ...(source.fingerprint && { fingerprint: (options?: FingerprintOptions) => source.fingerprint?.(options) ?? Promise.resolve(undefined) }),
    ...(source.tombstones && {
      async *tombstones(options?: Parameters<NonNullable<Source['tombstones']>>[0]): AsyncGenerator<Page> {
        // What goes by no name outside is held by nobody there.
        for await (const page of source.tombstones?.(options) ?? []) yield seen({ ...page, entries: page.entries.filter(({ key }) => naming.outward(key) !== undefined) }, ruling, 'content');
      },
    }),
    ...(source.describe && { describe: async (options?: CallOptions) => ((await source.describe?.(options)) ?? []).flatMap((collection) => described(collection, naming)) }),
  };
}

function described({ name, fields, key }: Collection, naming: Naming): readonly Collection[] {
  const to = naming.collectionOutward(name);
  const shape = naming.shapeOf(name);
  if (to === undefined) return [];
  return [shape ? { name: to, fields: fieldsOutward(fields, shape), key: key.map((part) => shape.fields.get(part)?.to ?? part) } : { name: to, fields, key }];
}

async function* scan(source: Source, ruling: Ruling, warn: RuledOptions['warn'], { under, collections, except, want = 'stat', ...asked }: ScanOptions = {}): AsyncGenerator<Page> {
  const { naming } = ruling;
  const inner = under?.map((key) => naming.inward(key));
  const narrowed = inner?.every((key) => key !== undefined) ? { under: inner } : {};
  const chosen = collections && { collections: collections.map((name) => naming.collectionInward(name) ?? name) };
  // Of what is not to come, some may come all the same.
  const left = except && { except: except.flatMap((name) => naming.collectionInward(name) ?? []) };
  const sightings = warn && !under && !collections && !except && !asked.window ? new Sightings(naming.rules) : undefined;
  const content = want === 'content' || naming.touchFields ? 'content' : 'stat';
  for await (const { entries, problems } of source.scan({ ...asked, ...narrowed, ...chosen, ...left, want: content })) {
    const read = await withContents(source, entries, naming, asked);
    if (sightings) for (const entry of read) sightings.see(entry);
    yield seen({ entries: read, ...(problems && { problems }) }, ruling, want);
  }
  for (const { text } of sightings?.unseen() ?? []) warn?.(`${text}: nothing that was read from ${source.name} has this field`);
}

/** A page as the other side sees it. What has no counterpart there is a problem. */
function seen({ entries, problems = [] }: Page, ruling: Ruling, want: 'stat' | 'content'): Page {
  const found: Entry[] = [];
  const wrong = problems.map((problem): Problem => {
    const key = problem.key === undefined ? undefined : ruling.naming.outward(problem.key);
    return key === undefined ? problem : { ...problem, key };
  });
  for (const entry of entries) {
    try {
      const shown = entryOutward(entry, ruling);
      found.push(want === 'content' ? shown : withoutContent(shown));
    } catch (cause) {
      if (!(cause instanceof SyncError)) throw cause;
      const key = ruling.naming.outward(entry.key);
      wrong.push({ place: entry.place ?? entry.key, error: cause, ...(key !== undefined && { key }) });
    }
  }
  return wrong.length > 0 ? { entries: found, problems: wrong } : { entries: found };
}

/** The entries, those with content whose fields the rules are about. What is gone by then is left out, as if it had never been listed. */
async function withContents(source: Source, entries: readonly Entry[], naming: Naming, { signal }: CallOptions): Promise<readonly Entry[]> {
  const missing = entries.filter(({ key, content }) => !content && naming.shapeOf(typeOf(key)) !== undefined);
  if (missing.length === 0) return entries;
  const read = await source.read(missing, signal && { signal });
  const byKey = new Map(missing.map(({ key }, i) => [key, read[i]]));
  return entries.flatMap((entry) => (byKey.has(entry.key) ? byKey.get(entry.key) ?? [] : entry));
}

async function read(source: Source, ruling: Ruling, refs: readonly Ref[], options?: CallOptions): Promise<readonly (Entry | undefined)[]> {
  const found: (Entry | undefined)[] = refs.map(() => undefined);
  const inside = refs.flatMap((ref, at) => {
    const key = ruling.naming.inward(ref.key);
    return key === undefined ? [] : [{ at, ref: { ...ref, key } }];
  });
  const entries = await source.read(inside.map(({ ref }) => ref), options);
  inside.forEach(({ at }, i) => {
    const entry = entries[i];
    found[at] = entry && entryOutward(entry, ruling);
  });
  return found;
}

function sinkOf(sink: Sink, ruling: Ruling, under: string): Pick<Sink, 'write' | 'foresee' | 'covers' | 'realm' | 'prepare' | 'checkPrepare' | 'references'> {
  const { naming } = ruling;
  const writer = new RuledWriter(sink, ruling);
  return {
    write: (batch, options) => writer.write(batch, options),
    ...(sink.foresee && { foresee: (batch: readonly Write[], options?: CallOptions) => new RuledWriter(sink, ruling, sink.foresee!.bind(sink)).write(batch, options) }),
    ...(sink.realm !== undefined && { realm: `${sink.realm} under ${under}` }),
    ...(sink.covers && {
      covers: (ref: Ref) => {
        const key = naming.inward(ref.key);
        return key !== undefined && sink.covers?.({ ...ref, key }) !== false;
      },
    }),
    ...(sink.references && {
      references: async (options?: CallOptions) => {
        const named = [...(await sink.references?.(options)) ?? []].flatMap(([from, to]): [string, readonly string[]][] => {
          const name = naming.collectionOutward(from);
          return name === undefined ? [] : [[name, to.flatMap((each) => naming.collectionOutward(each) ?? [])]];
        });
        return new Map(named);
      },
    }),
    ...(sink.prepare && { prepare: async (collections: readonly Collection[], options?: CallOptions) => await sink.prepare?.(collections.map((collection) => undescribed(collection, ruling)), options) }),
    ...(sink.checkPrepare && { checkPrepare: async (collections: readonly Collection[], options?: CallOptions) => await sink.checkPrepare?.(collections.map((collection) => undescribed(collection, ruling)), options) }),
  };
}

function undescribed({ name: given, fields, key }: Collection, { naming, place }: Ruling): Collection {
  const name = naming.collectionInward(given);
  if (name === undefined) throw new SyncError('unsupported', `${place} has no place for ${given}, because that goes by another name on the other side`, { hint: 'choose another name with --rename' });
  const shape = naming.shapeOf(name);
  return shape ? { name, fields: fieldsInward(fields, shape), key: key.map((part) => shape.back.get(part) ?? part) } : { name, fields, key };
}
