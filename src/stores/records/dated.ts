import { isDocument } from '../../model/document.ts';
import type { Document } from '../../model/document.ts';
import type { Content, Entry, Micros } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { CallOptions, Capabilities, Outcome, Page, ScanOptions, Store, Write } from '../../model/store.ts';
import { isInside } from '../../model/window.ts';
import { instantText, modifiedOf, unitMicros, whyNoInstant } from './instants.ts';
import type { TimeUnit } from './instants.ts';
import { listedAs } from './listed-as.ts';
import { passedOn } from './passed-on.ts';

/** Where documents say when they were modified. */
export interface DatedOptions {
  readonly modified: string;
  readonly modifiedUnit?: TimeUnit;
}

type Put = Extract<Write, { kind: 'put' }>;

/** How often a write is tried again when somebody else was faster, and what was written is older still. */
const mostAttempts = 10;

/**
 * A store of documents whose entries were modified when a field of them says. That an entry is older is found by reading
 * it, and holds as long as its version does. What the store itself knows of times is not passed on.
 */
export function dated(store: Store, options: DatedOptions): Store {
  if (store.capabilities.holds !== 'documents') throw new SyncError('invalid', `${store.name} holds files, which have no field ${options.modified}`, { store: store.name, hint: 'pass --as documents' });
  const writer = new DatedWriter(store, options);
  return {
    ...passedOn(store),
    get capabilities() { return capabilitiesOf(store.capabilities); },
    scan: (asked) => scan(store, options, asked),
    read: async (refs, asked) => (await store.read(refs, asked)).map((entry) => entry && withTime(entry, options)),
    write: (batch, asked) => writer.write(batch, asked),
  };
}

function capabilitiesOf(inner: Capabilities): Capabilities {
  const { expects } = inner;
  const enforced = expects.includes('version') && expects.includes('absent');
  return { ...inner, modifiedAt: 'kept', modifiedAtPrecision: 1, expects: [...expects.filter((form) => form !== 'older'), ...(enforced ? ['older' as const] : [])] };
}

async function* scan(store: Store, options: DatedOptions, { window, ...asked }: ScanOptions = {}): AsyncGenerator<Page> {
  for await (const page of listedAs(store, (entry) => withTime(entry, options), asked)) yield { ...page, entries: page.entries.filter((entry) => isInside(entry, window)) };
}

function withTime({ modifiedAt: _, ...entry }: Entry, options: DatedOptions): Entry {
  const modifiedAt = timeOf(entry.content, options);
  if (modifiedAt !== undefined) return { ...entry, modifiedAt };
  const { modified, modifiedUnit } = options;
  const value = entry.content?.kind === 'document' && Object.hasOwn(entry.content.document, modified) ? entry.content.document[modified] : undefined;
  const untimed = whyNoInstant(value, modified, modifiedUnit);
  return untimed ? { ...entry, untimed } : entry;
}

function timeOf(content: Content | undefined, { modified, modifiedUnit }: DatedOptions): Micros | undefined {
  if (content?.kind !== 'document' || !isDocument(content.document) || !Object.hasOwn(content.document, modified)) return undefined;
  return modifiedOf(content.document[modified], modifiedUnit);
}

/** The writing half. */
class DatedWriter {
  readonly #store: Store;
  readonly #options: DatedOptions;

  constructor(store: Store, options: DatedOptions) {
    this.#store = store;
    this.#options = options;
  }

  async write(batch: readonly Write[], asked: CallOptions = {}): Promise<readonly Outcome[]> {
    const outcomes = new Array<Outcome>(batch.length);
    let open = batch.map((_, i) => i);
    for (let attempt = 1; open.length > 0; attempt++) {
      const found = await this.#found(open.map((i) => batch[i]!), asked);
      const writes: { readonly at: number; readonly write: Write; readonly aimed: boolean }[] = [];
      open.forEach((i, at) => {
        const write = batch[i]!;
        const older = write.expect && 'older' in write.expect ? write.expect.older : undefined;
        const before = found[at];
        if (older !== undefined && before && !isOlder(before, older)) outcomes[i] = { kind: 'stale', found: before };
        else writes.push({ at: i, write: this.#inner(write, older === undefined ? write.expect : expecting(before)), aimed: older !== undefined });
      });
      const answers = writes.length === 0 ? [] : await this.#store.write(writes.map(({ write }) => write), asked);
      const again: number[] = [];
      answers.forEach((answer, n) => {
        const { at, aimed } = writes[n]!;
        outcomes[at] = this.#outer(answer, batch[at]!);
        if (aimed && answer.kind === 'stale' && attempt < mostAttempts) again.push(at);
      });
      open = again;
    }
    return outcomes;
  }

  /** What is held where that has to be known to decide. */
  async #found(writes: readonly Write[], asked: CallOptions): Promise<readonly (Entry | undefined)[]> {
    const refs = writes.flatMap((write) => (write.expect && 'older' in write.expect ? [write.kind === 'put' ? write.entry : write.ref] : []));
    const read = refs.length === 0 ? [] : await this.#store.read(refs, asked);
    const byKey = new Map(read.flatMap((entry) => (entry ? [[entry.key, withTime(entry, this.#options)] as const] : [])));
    return writes.map((write) => byKey.get(write.kind === 'put' ? write.entry.key : write.ref.key));
  }

  #inner(write: Write, expect: Write['expect']): Write {
    const { expect: _, ...rest } = write;
    const given = expect ? { expect } : {};
    return rest.kind === 'put' ? { ...rest, entry: this.#filled(rest.entry), ...given } : { ...rest, ...given };
  }

  /** The entry as it is kept: the time is in the document, and nowhere else. */
  #filled({ modifiedAt, ...entry }: Put['entry']): Put['entry'] {
    const { modified, modifiedUnit } = this.#options;
    const { content } = entry;
    if (modifiedAt === undefined || content.kind !== 'document' || Object.hasOwn(content.document, modified)) return entry;
    const { digest: _, ...undigested } = entry;
    return { ...undigested, content: { kind: 'document', document: filled(content.document, modified, modifiedAt, modifiedUnit) } };
  }

  #outer(outcome: Outcome, write: Write): Outcome {
    if (outcome.kind === 'stale') return { kind: 'stale', found: outcome.found && withTime(outcome.found, this.#options) };
    if (outcome.kind !== 'done' || write.kind === 'delete') return outcome;
    const { modifiedAt: _, ...stat } = outcome.stat;
    const modifiedAt = timeOf(this.#filled(write.entry).content, this.#options);
    return { ...outcome, stat: { ...stat, ...(modifiedAt !== undefined && { modifiedAt }) } };
  }
}

function filled(document: Document, field: string, at: Micros, unit: TimeUnit | undefined): Document {
  return { ...document, [field]: unit === undefined ? instantText(at) : at / unitMicros[unit] };
}

function isOlder({ modifiedAt }: Entry, than: Micros): boolean {
  return modifiedAt !== undefined && modifiedAt < than;
}

function expecting(found: Entry | undefined): Write['expect'] {
  if (!found) return { absent: true };
  return found.version === undefined ? undefined : { version: found.version };
}
