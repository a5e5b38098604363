import type { Entry, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import { isSink, isSource } from '../../model/store.ts';
import type { CallOptions, Capabilities, FingerprintOptions, Hint, Outcome, Page, Problem, ScanOptions, Sink, Source, Store, Takeover, Write } from '../../model/store.ts';

/**
 * Other names for the keys of a store. The two functions undo one another: where `inward(outward(key))` is not `key`
 * again, the entry has no name of its own, and a scan reports it as a problem.
 */
export interface Renaming {
  /** The store's own key for one that the outside uses; `undefined` where there is none. */
  inward(key: Key): Key | undefined;
  /** What the outside calls a key of the store; `undefined` where the entry is not to be seen. */
  outward(key: Key): Key | undefined;
  /** Whether keys that are in order in the store have names that are in order. */
  readonly keepsOrder: boolean;
  /**
   * Whether what lies below a key lies below its name as well, both ways. Default: no, and then neither hints nor scans
   * are narrowed, which is slow and never wrong.
   */
  readonly keepsBelow?: boolean;
  /** How many bytes longer, at most, a key is in the store than outside. Default: 0. */
  readonly addsBytes?: number;
  /** Tells this renaming from others of one store. What was learned is kept under it. */
  readonly identity?: string;
}

/** Takes away what all keys begin with, and puts something else there; what begins otherwise is not seen. */
export function prefixes({ remove = '', add = '' }: { readonly remove?: string; readonly add?: string }): Renaming {
  return {
    inward: (key) => (key.startsWith(add) ? remove + key.slice(add.length) : undefined),
    outward: (key) => (key.startsWith(remove) ? add + key.slice(remove.length) : undefined),
    keepsOrder: true,
    keepsBelow: true,
    addsBytes: Buffer.byteLength(remove) - Buffer.byteLength(add),
    identity: JSON.stringify([remove, add]),
  };
}

/**
 * A place under other keys. Entries whose key has no name are not seen, and what has no key in the store cannot be
 * written; in messages places keep the store's own names. Abilities beyond the interface are not passed on.
 */
export function renamed<Place extends Store | Source | Sink>(place: Place, renaming: Renaming): Place {
  const { identity } = place;
  const asked = renaming.identity ?? '';
  const shared = {
    name: place.name,
    identity: `${identity} renamed ${asked}`,
    get capabilities(): Capabilities { return capabilitiesOf(place.capabilities, renaming); },
    [Symbol.asyncDispose]: (): Promise<void> => Promise.resolve(place[Symbol.asyncDispose]()),
  };
  const reading = isSource(place) ? sourceOf(place, renaming) : {};
  const writing = isSink(place) ? sinkOf(place, renaming) : {};
  // What a getter answers may change once the place is open, so members are moved and not copied.
  return Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(shared), ...Object.getOwnPropertyDescriptors(reading), ...Object.getOwnPropertyDescriptors(writing) }) as Place;
}

function capabilitiesOf(inner: Capabilities, { keepsOrder, addsBytes = 0 }: Renaming): Capabilities {
  const keyBytes = Math.max(1, inner.limits.keyBytes - addsBytes);
  return { ...inner, order: keepsOrder ? inner.order : 'none', limits: { ...inner.limits, keyBytes } };
}

function sourceOf(source: Source, renaming: Renaming): Pick<Source, 'scan' | 'read' | 'isStill' | 'watch' | 'fingerprint' | 'whereabouts'> {
  const { keepsBelow = false } = renaming;
  return {
    scan: (options) => scan(source, renaming, options),
    read: (refs, options) => read(source, renaming, refs, options),
    ...(source.isStill && {
      isStill: async (asked: Parameters<NonNullable<Source['isStill']>>[0], options?: CallOptions) => await source.isStill?.(asked.map(({ ref, version }) => ({ ref: { ...ref, key: inwardOf(ref.key, renaming) ?? ref.key }, version })), options) ?? [],
    }),
    ...(source.watch && {
      async *watch(options: { readonly signal: AbortSignal }): AsyncGenerator<readonly Hint[]> {
        // A key without a name may have something below it that has one.
        for await (const hints of source.watch?.(options) ?? []) yield hints.map(({ under }) => ({ under: keepsBelow && under !== '' ? (renaming.outward(under) ?? '') : '' }));
      },
    }),
    ...(source.whereabouts && {
      whereabouts: (entry: Entry) => {
        const key = inwardOf(entry.key, renaming);
        return key === undefined ? undefined : source.whereabouts?.({ ...entry, key });
      },
    }),
    ...(source.fingerprint && { fingerprint: (options?: FingerprintOptions) => source.fingerprint?.(options) ?? Promise.resolve(undefined) }),
  };
}

async function* scan(source: Source, renaming: Renaming, { under, ...options }: ScanOptions = {}): AsyncGenerator<Page> {
  const inner = renaming.keepsBelow ? under?.map((key) => renaming.inward(key)) : undefined;
  const narrowed = inner?.every((key) => key !== undefined) ? { under: inner } : {};
  for await (const { entries, problems = [] } of source.scan({ ...options, ...narrowed })) {
    const seen: Entry[] = [];
    const nameless: Problem[] = [];
    for (const entry of entries) {
      const key = renaming.outward(entry.key);
      if (key === undefined) continue;
      if (key !== '' && renaming.inward(key) === entry.key) seen.push(withKey(entry, key, renaming));
      else nameless.push(problemOf(entry, key, source));
    }
    const all = nameless.length > 0 ? [...problems, ...nameless] : problems;
    yield all.length > 0 ? { entries: seen, problems: all } : { entries: seen };
  }
}

function problemOf({ key, place = key }: Entry, name: Key, source: Source): Problem {
  const error = new SyncError('invalid', `${source.name}: ${key} would be named ${JSON.stringify(name)}, which ${name === '' ? 'is no name' : 'is the name of another entry'}`, { store: source.name, key, hint: 'choose other prefixes, or leave the entry out' });
  return { place, error };
}

function withKey(entry: Entry, key: Key, { outward }: Renaming): Entry {
  const { dependsOn, place = entry.key } = entry;
  return { ...entry, key, place, ...(dependsOn && { dependsOn: dependsOn.map((address) => outward(address) ?? address) }) };
}

async function read(source: Source, renaming: Renaming, refs: readonly Ref[], options?: CallOptions): Promise<readonly (Entry | undefined)[]> {
  const found: (Entry | undefined)[] = refs.map(() => undefined);
  const inside = refs.flatMap((ref, at) => {
    const key = inwardOf(ref.key, renaming);
    return key === undefined ? [] : [{ at, ref: { ...ref, key } }];
  });
  const entries = await source.read(inside.map(({ ref }) => ref), options);
  inside.forEach(({ at }, i) => {
    const entry = entries[i];
    found[at] = entry && withKey(entry, (refs[at] as Ref).key, renaming);
  });
  return found;
}

/** The key in the store, provided that it goes by this name when it is seen. */
function inwardOf(key: Key, { inward, outward }: Renaming): Key | undefined {
  if (key === '') return undefined;
  const inner = inward(key);
  return inner !== undefined && outward(inner) === key ? inner : undefined;
}

function sinkOf(sink: Sink, renaming: Renaming): Pick<Sink, 'write' | 'covers' | 'realm' | 'takeOver'> {
  const { realm } = sink;
  return {
    write: (batch, options) => write(sink, renaming, batch, options),
    ...(sink.takeOver && { takeOver: (batch: readonly Takeover[], options?: CallOptions) => takeOver(sink, renaming, batch, options) }),
    ...(realm !== undefined && { realm: `${realm} renamed ${renaming.identity ?? ''}` }),
    ...(sink.covers && {
      covers: (ref: Ref) => {
        const key = inwardOf(ref.key, renaming);
        return key !== undefined && sink.covers?.({ ...ref, key }) !== false;
      },
    }),
  };
}

async function write(sink: Sink, renaming: Renaming, batch: readonly Write[], options?: CallOptions): Promise<readonly Outcome[]> {
  const outcomes: (Outcome | undefined)[] = batch.map(() => undefined);
  const inside: { readonly at: number; readonly write: Write }[] = [];
  batch.forEach((write, at) => {
    const ref = write.kind === 'put' ? write.entry : write.ref;
    const key = inwardOf(ref.key, renaming);
    if (key === undefined) outcomes[at] = { kind: 'failed', error: new SyncError('invalid', `${sink.name} has no place for ${JSON.stringify(ref.key)}, because it is seen under other names`, { store: sink.name, key: ref.key, hint: 'choose other prefixes, or leave the entry out' }) };
    else inside.push({ at, write: inwardWrite(write, key, renaming) });
  });
  const answers = await sink.write(inside.map((each) => each.write), options);
  inside.forEach(({ at }, i) => {
    const write = batch[at] as Write;
    const { key } = write.kind === 'put' ? write.entry : write.ref;
    outcomes[at] = outwardOutcome(answers[i] as Outcome, key, renaming);
  });
  return outcomes as readonly Outcome[];
}

async function takeOver(sink: Sink, renaming: Renaming, batch: readonly Takeover[], options?: CallOptions): Promise<readonly (Outcome | undefined)[]> {
  const outcomes = Array.from<Outcome | undefined>({ length: batch.length });
  const inside = batch.flatMap(({ entry, ...rest }, at) => {
    const key = inwardOf(entry.key, renaming);
    return key === undefined ? [] : [{ at, takeover: { ...rest, entry: { ...entry, key } } }];
  });
  const answers = (await sink.takeOver?.(inside.map(({ takeover }) => takeover), options)) ?? [];
  inside.forEach(({ at }, i) => {
    const answer = answers[i];
    if (answer) outcomes[at] = outwardOutcome(answer, batch[at]!.entry.key, renaming);
  });
  return outcomes;
}

function inwardWrite(write: Write, key: Key, { inward }: Renaming): Write {
  if (write.kind === 'delete') return { ...write, ref: { ...write.ref, key } };
  const { dependsOn } = write.entry;
  return { ...write, entry: { ...write.entry, key, ...(dependsOn && { dependsOn: dependsOn.map((address) => inward(address) ?? address) }) } };
}

function outwardOutcome(outcome: Outcome, key: Key, renaming: Renaming): Outcome {
  switch (outcome.kind) {
    case 'done': return outcome;
    case 'stale': return outcome.found ? { ...outcome, found: withKey(outcome.found, key, renaming) } : outcome;
    case 'failed': {
      const { code, message, details } = outcome.error;
      return { kind: 'failed', error: new SyncError(code, message, { ...details, key }) };
    }
    default: return outcome satisfies never;
  }
}
