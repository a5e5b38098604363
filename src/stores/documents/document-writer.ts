import type { Document } from '../../model/document.ts';
import type { Entry, Stat } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Key } from '../../model/key.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { Capabilities, Expectation, Outcome, Store, Write } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import type { Schema } from '../../schema/schema.ts';
import { rewriteDocument, sameDocument } from './codec.ts';
import type { Directory } from './directory.ts';
import type { Findings, Holder } from './files.ts';
import { pathOf } from './layout.ts';
import type { Format } from './layout.ts';

export interface DocumentWriterOptions {
  readonly blobs: Store;
  readonly format: Format;
  readonly schema: Schema;
  readonly host: Host;
  readonly directory: Directory;
  readonly capabilities: Capabilities;
  readonly find: (keys: readonly Key[]) => Promise<Findings>;
  readonly load: (paths: readonly string[]) => Promise<readonly Holder[]>;
}

/** How often a write that expects something older is tried when others write, too. */
const mostAttempts = 10;

type Put = Extract<Write, { kind: 'put' }>;

/** What a write of a document comes to: files to write, and then files to remove. */
interface Step {
  readonly key: Key;
  /** The answer, where no file is to be written. */
  readonly outcome?: Outcome;
  readonly write?: Write;
  readonly removals: readonly Write[];
  /** The answer, from the stat of what was written. */
  readonly stat?: (written: Stat) => Stat;
  /** Whether the expectation was checked by ourselves and not by the store of blobs. */
  readonly unguarded?: boolean;
}

/** The writing half of documents in blobs. One for each call. */
export class DocumentWriter {
  readonly #options: DocumentWriterOptions;

  constructor(options: DocumentWriterOptions) {
    this.#options = options;
  }

  async write(batch: readonly Write[], signal: AbortSignal | undefined): Promise<readonly Outcome[]> {
    const outcomes = new Array<Outcome>(batch.length);
    for (const group of withoutRepeats(batch)) {
      let open = group;
      for (let attempt = 1; open.length > 0; attempt++) {
        const answers = await this.#group(open.map((i) => batch[i]!), signal);
        open.forEach((i, at) => (outcomes[i] = answers[at]!));
        open = attempt < mostAttempts ? open.filter((i) => isOlderStill(batch[i]!, outcomes[i]!)) : [];
      }
    }
    return outcomes;
  }

  async #group(batch: readonly Write[], signal: AbortSignal | undefined): Promise<readonly Outcome[]> {
    const { find, load } = this.#options;
    const { holders, files } = await find(batch.map(keyOfWrite));
    const steps = batch.map((write, i) => this.#step(write, holders[i]!));
    const unseen = steps.flatMap(({ write }) => (write?.kind === 'put' && !files.has(write.entry.key) ? [write.entry.key] : []));
    const others = new Map((await load(unseen)).map((holder) => [holder.named.path, holder]));
    const safe = steps.map((step) => this.#ifFree(step, (path) => files.get(path) ?? others.get(path)));

    const writes = safe.filter(({ write }) => write !== undefined);
    const written = new Map<Step, Outcome>();
    const answers = await this.#inBatches(writes.map(({ write }) => write!), signal);
    writes.forEach((step, i) => written.set(step, answers[i]!));
    // Only when a new file is in its place may the old one go.
    await this.#inBatches(safe.flatMap((step) => ((written.get(step) ?? step.outcome)?.kind === 'done' ? step.removals : [])), signal);
    const outcomes = safe.map((step) => this.#answer(step, written.get(step)));
    const stale = safe.flatMap(({ key }, i) => (outcomes[i]!.kind === 'stale' ? [key] : []));
    if (stale.length === 0) return outcomes;
    const found = new Map((await find(stale)).holders.map(([first], i) => [stale[i]!, first?.entry]));
    return outcomes.map((outcome, i) => (outcome.kind === 'stale' ? { kind: 'stale', found: found.get(safe[i]!.key) } : outcome));
  }

  /** What to do about one write. Refusals are outcomes. */
  #step(write: Write, held: readonly Holder[]): Step {
    const key = keyOfWrite(write);
    try {
      const found = held[0]?.entry;
      if (write.expect && !meets(found, write.expect)) return { key, removals: [], outcome: { kind: 'stale', found } };
      return write.kind === 'put' ? this.#putStep(write, held) : this.#deleteStep(key, write.expect, held);
    } catch (cause) {
      if (!(cause instanceof SyncError)) throw cause;
      return { key, removals: [], outcome: { kind: 'failed', error: cause } };
    }
  }

  #deleteStep(key: Key, expect: Expectation | undefined, held: readonly Holder[]): Step {
    const [first, ...others] = held;
    if (!first) return { key, removals: [], outcome: { kind: 'done', stat: {} } };
    return { key, write: removal(first, expect !== undefined), removals: others.map((holder) => removal(holder, expect !== undefined)), stat: () => ({}) };
  }

  #putStep({ entry, expect }: Put, held: readonly Holder[]): Step {
    const { blobs: { name }, format, schema, capabilities } = this.#options;
    const { key, content } = entry;
    if (content.kind !== 'document') throw new SyncError('unsupported', `${name} holds documents, and ${key} is none`, { store: name, key });
    if (Buffer.byteLength(key) > capabilities.limits.keyBytes) throw new SyncError('invalid', `the key ${key.slice(0, 64)}… is longer than ${capabilities.limits.keyBytes} bytes`, { key });
    const { document } = content;
    const identity = schema.identify(document);
    if (!('problem' in identity) && identity.key !== key) throw new SyncError('invalid', `a document that says it is ${identity.key} cannot be kept as ${key}`, { store: name, key });
    const [first] = held;
    // Not even one of two is replaced or removed that nobody could read.
    for (const { error } of held) if (error) throw error;

    const digest = digestDocument(document, schema);
    const path = first && first.named.key !== key ? this.#inFormat(first) : pathOf(key, format);
    const there = held.find(({ named }) => named.path === path);
    const removals = held.filter((holder) => holder !== there).map((holder) => removal(holder, true));
    const keepsTime = capabilities.modifiedAt === 'kept' && entry.modifiedAt !== undefined && entry.modifiedAt !== there?.entry.modifiedAt;
    const same = there !== undefined && sameDocument(documentOf(there.entry), document);
    // With an expectation the bytes that are there are written once more: the store of blobs then says whether it holds.
    if (same && !keepsTime && !expect) return { key, removals, outcome: { kind: 'done', stat: { ...statOf(there.entry), digest } } };

    const old = there ?? first;
    const before = old && old.named.format === 'yaml' && old.text !== undefined ? { document: documentOf(old.entry), text: old.text } : undefined;
    const bytes = Buffer.from(same && there.text !== undefined ? there.text : rewriteDocument(document, format, before));
    const guard = expect && this.#guard(there);
    const blob: Entry = { key: path, ...(entry.modifiedAt !== undefined && { modifiedAt: entry.modifiedAt }) };
    return {
      key, removals,
      write: { kind: 'put', entry: { ...blob, content: { kind: 'blob', async *bytes() { yield bytes; } } }, ...(guard && { expect: guard }) },
      stat: ({ version, modifiedAt }) => ({ ...(version !== undefined && { version }), digest, ...(modifiedAt !== undefined && { modifiedAt }) }),
      ...(expect && first !== there && { unguarded: true }),
    };
  }

  /** What the store of blobs is to expect, so that nobody's change since we looked is overwritten. */
  #guard(holder: Holder | undefined): Expectation | undefined {
    if (!holder) return { absent: true };
    return holder.entry.version === undefined ? undefined : { version: holder.entry.version };
  }

  /** The name of a misplaced file, with the extension of the format written. */
  #inFormat({ named }: Holder): string {
    return named.format === this.#options.format ? named.path : `${named.stem}.${this.#options.format}`;
  }

  /** Refuses to write where another document is kept. */
  #ifFree(step: Step, holderOf: (path: string) => Holder | undefined): Step {
    const { key, write } = step;
    const holder = write?.kind === 'put' ? holderOf(write.entry.key) : undefined;
    if (!holder || holder.entry.key === key) return step;
    const place = holder.entry.place ?? holder.named.path;
    return { key, removals: [], outcome: { kind: 'failed', error: new SyncError('conflict', `${key} belongs in ${place}, which holds ${holder.entry.key}`, { key, hint: 'rename that file' }) } };
  }

  #answer({ key, write, removals, outcome, stat, unguarded = false }: Step, written: Outcome | undefined): Outcome {
    const { directory, host } = this.#options;
    const answer = outcome ?? written;
    if (answer?.kind !== 'done') return answer ?? { kind: 'failed', error: new SyncError('internal', `${key} was not answered`, { key }) };
    if (write?.kind === 'put') {
      directory.add(write.entry.key);
      if (directory.misplaced.has(key)) directory.misplaced.set(key, write.entry.key);
      for (const removed of removals) host.log('info', `removed ${keyOfWrite(removed)}, because ${write.entry.key} holds ${key} now`);
    } else if (write?.kind === 'delete') directory.misplaced.delete(key);
    if (!written || written.kind !== 'done') return answer;
    return { kind: 'done', stat: stat?.(written.stat) ?? {}, ...((written.unguarded || unguarded) && { unguarded: true }) };
  }

  async #inBatches(writes: readonly Write[], signal: AbortSignal | undefined): Promise<readonly Outcome[]> {
    const { blobs } = this.#options;
    const most = blobs.capabilities.limits.batchEntries;
    if (writes.length === 0) return [];
    if (writes.length <= most) return blobs.write(writes, signal && { signal });
    const outcomes: Outcome[] = [];
    for (let at = 0; at < writes.length; at += most) outcomes.push(...(await blobs.write(writes.slice(at, at + most), signal && { signal })));
    return outcomes;
  }
}

/** Indexes of a batch in groups in which no key comes twice, so that each group sees what the one before has done. */
function withoutRepeats(batch: readonly Write[]): readonly (readonly number[])[] {
  const groups: number[][] = [];
  let keys = new Set<Key>();
  batch.forEach((write, i) => {
    const key = keyOfWrite(write);
    if (groups.length === 0 || keys.has(key)) {
      groups.push([]);
      keys = new Set();
    }
    keys.add(key);
    groups.at(-1)!.push(i);
  });
  return groups;
}

function removal({ named, entry: { version } }: Holder, guarded: boolean): Write {
  return { kind: 'delete', ref: { key: named.path }, ...(guarded && version !== undefined && { expect: { version } }) };
}

function documentOf({ content }: Entry): Document {
  return content?.kind === 'document' ? content.document : {};
}

function statOf({ version, modifiedAt }: Entry): Stat {
  return { ...(version !== undefined && { version }), ...(modifiedAt !== undefined && { modifiedAt }) };
}

/** Whether a write was refused although what is there by now is as old as it expects: somebody else was faster, and wrote something older. */
function isOlderStill({ expect }: Write, outcome: Outcome): boolean {
  return outcome.kind === 'stale' && expect !== undefined && 'older' in expect && meets(outcome.found, expect);
}

function meets(found: Entry | undefined, expect: Expectation): boolean {
  if ('absent' in expect) return found === undefined;
  if ('version' in expect) return found?.version === expect.version;
  return found === undefined || (found.modifiedAt ?? Infinity) < expect.older;
}
