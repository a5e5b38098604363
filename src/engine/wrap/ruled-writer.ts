import { inward, outward } from '../../core/rules/mapping.ts';
import type { Shape } from '../../core/rules/shape.ts';
import { isDocument } from '../../model/document.ts';
import type { Document } from '../../model/document.ts';
import type { Entry, Stat } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { typeOf } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import { isSource, keyOfWrite } from '../../model/store.ts';
import type { CallOptions, Expectation, Outcome, Sink, Write } from '../../model/store.ts';
import { asRefusal, entryOutward } from './ruling.ts';
import type { Ruling } from './ruling.ts';

type Put = Extract<Write, { kind: 'put' }>;

/** How often a write is tried again when what it was filled in from has changed meanwhile. */
const mostAttempts = 10;

/** A write on its way in. */
interface Inner {
  readonly at: number;
  readonly write: Write;
  /** Set where something may have to be filled in. */
  readonly shape: Shape | undefined;
}

/** Writes to a place whose entries are shown under rules. */
export class RuledWriter {
  readonly #sink: Sink;
  readonly #ruling: Ruling;
  readonly #send: Sink['write'];

  /** `send`: what is done with writes as the sink is to have them. */
  constructor(sink: Sink, ruling: Ruling, send: Sink['write'] = sink.write.bind(sink)) {
    this.#sink = sink;
    this.#ruling = ruling;
    this.#send = send;
  }

  async write(batch: readonly Write[], asked: CallOptions = {}): Promise<readonly Outcome[]> {
    asked.signal?.throwIfAborted();
    const outcomes: Outcome[] = [];
    const ready: Inner[] = [];
    batch.forEach((write, at) => {
      const inner = this.#inner(write);
      if (inner instanceof SyncError) outcomes[at] = { kind: 'failed', error: inner };
      else ready.push({ at, ...inner });
    });
    // Of several writes of one entry each is filled in from what the one before it has made.
    for (const round of roundsOf(ready)) await this.#round(round, batch, outcomes, asked);
    return outcomes;
  }

  async #round(round: readonly Inner[], batch: readonly Write[], outcomes: Outcome[], asked: CallOptions): Promise<void> {
    let open = round;
    for (let attempt = 1; open.length > 0; attempt++) {
      const held = await this.#held(open, asked);
      const sending: { readonly inner: Inner; readonly write: Write; readonly guarded: boolean }[] = [];
      for (const inner of open) {
        const filled = this.#filled(inner, held);
        if ('kind' in filled && (filled.kind === 'stale' || filled.kind === 'failed')) outcomes[inner.at] = filled;
        else sending.push({ inner, ...filled as { readonly write: Write; readonly guarded: boolean } });
      }
      const answers = sending.length === 0 ? [] : await this.#send(sending.map(({ write }) => write), asked);
      const again: Inner[] = [];
      sending.forEach(({ inner, write, guarded }, i) => {
        // What it was to be filled in from has changed, and that says nothing of what was expected.
        if (answers[i]!.kind === 'stale' && guarded && attempt < mostAttempts) again.push(inner);
        else outcomes[inner.at] = this.#outer(answers[i]!, write, batch[inner.at]!);
      });
      open = again;
    }
  }

  /** The write under the names of the place, or why there is none. */
  #inner(write: Write): Omit<Inner, 'at'> | SyncError {
    const { naming, place } = this.#ruling;
    const outer = keyOfWrite(write);
    const key = naming.inward(outer);
    if (key === undefined) return new SyncError('invalid', `${place} has no place for ${JSON.stringify(outer)}, because that collection goes by another name on the other side`, { store: place, key: outer, hint: 'choose another name with --rename' });
    if (write.kind === 'delete') return { write: this.#deletion(write, key), shape: undefined };
    const { dependsOn } = write.entry;
    const named: Put = key === outer ? write : { ...write, entry: { ...write.entry, key, ...(dependsOn && { dependsOn: dependsOn.map((address) => naming.inward(address) ?? address) }) } };
    const shape = named.entry.content.kind === 'document' && isDocument(named.entry.content.document) ? naming.shapeOf(typeOf(key)) : undefined;
    return { write: named, shape };
  }

  /** Of what a record was when it was deleted, only what comes across whole is of use here. */
  #deletion({ ref, tombstone, ...rest }: Extract<Write, { kind: 'delete' }>, key: Key): Write {
    const { content, digest: _, version: __, ...told } = tombstone ?? { key };
    const kept = content && !this.#ruling.naming.shapeOf(typeOf(key)) ? { content } : {};
    return { ...rest, ref: { ...ref, key }, ...(tombstone && { tombstone: { ...told, ...kept, key } }) };
  }

  /** What is held of the entries that have to be filled in. */
  async #held(open: readonly Inner[], asked: CallOptions): Promise<ReadonlyMap<Key, Entry>> {
    const refs = open.flatMap(({ write, shape }) => (shape?.lossy && write.kind === 'put' && !(write.expect && 'absent' in write.expect) ? [write.entry] : []));
    if (refs.length === 0 || !isSource(this.#sink)) return new Map();
    const read = await this.#sink.read(refs, asked);
    return new Map(read.flatMap((entry) => (entry ? [[entry.key, entry] as const] : [])));
  }

  /** The write as the place is to do it, or what becomes of it without that. `guarded`: its expectation is only that what was filled in still holds. */
  #filled({ write, shape }: Inner, held: ReadonlyMap<Key, Entry>): Outcome | { readonly write: Write; readonly guarded: boolean } {
    if (!shape || write.kind === 'delete') return { write, guarded: false };
    const { entry, expect } = write;
    const there = held.get(entry.key);
    try {
      if (!shape.lossy || (expect && 'absent' in expect)) return { write: { ...write, entry: this.#entry(entry, shape, undefined) }, guarded: false };
      if (expect && 'version' in expect && there?.version !== expect.version) return { kind: 'stale', found: there && entryOutward(there, this.#ruling) };
      if (expect && 'older' in expect && there && !(there.modifiedAt !== undefined && there.modifiedAt < expect.older)) return { kind: 'stale', found: entryOutward(there, this.#ruling) };
      const filled = this.#entry(entry, shape, there);
      if (expect && 'version' in expect) return { write: { ...write, entry: filled }, guarded: false };
      const { expects } = this.#sink.capabilities;
      // A place that goes by times alone still lets nothing that is newer be replaced.
      if (expect && !(expects.includes('version') && expects.includes('absent')) && expects.includes('older')) return { write: { ...write, entry: filled }, guarded: false };
      const now: Expectation | undefined = !there ? { absent: true } : there.version === undefined ? expect : { version: there.version };
      const { expect: _, ...rest } = write;
      return { write: { ...rest, entry: filled, ...(now && { expect: now }) }, guarded: now !== undefined };
    } catch (cause) {
      const error = asRefusal(cause, this.#ruling.place, entry.key);
      if (error instanceof SyncError) return { kind: 'failed', error };
      throw error;
    }
  }

  #entry({ digest: _, size: __, ...entry }: Put['entry'], shape: Shape, there: Entry | undefined): Put['entry'] {
    const { content } = entry;
    if (content.kind !== 'document') return entry;
    const held = there?.content?.kind === 'document' ? there.content.document : undefined;
    return { ...entry, content: { kind: 'document', document: inward(content.document, shape, held, this.#ruling.maskers) } };
  }

  #outer(outcome: Outcome, sent: Write, write: Write): Outcome {
    const { naming, place } = this.#ruling;
    switch (outcome.kind) {
      case 'done': return sent.kind === 'put' && naming.shapeOf(typeOf(sent.entry.key)) ? { ...outcome, stat: this.#stat(outcome.stat, sent.entry) } : outcome;
      case 'stale':
        try {
          return outcome.found ? { ...outcome, found: entryOutward(outcome.found, this.#ruling) } : outcome;
        } catch (cause) {
          const error = asRefusal(cause, place, keyOfWrite(write));
          if (error instanceof SyncError) return { kind: 'failed', error };
          throw error;
        }
      case 'failed': {
        const { code, message, details } = outcome.error;
        return { kind: 'failed', error: new SyncError(code, message, { ...details, key: keyOfWrite(write) }) };
      }
      default: return outcome satisfies never;
    }
  }

  /** What is known of what the place holds now. Where it made something else of what it was sent, how that compares is not known. */
  #stat({ digest, size: _, ...stat }: Stat, { key, content }: Put['entry']): Stat {
    const shape = this.#ruling.naming.shapeOf(typeOf(key));
    if (!digest || !shape || content.kind !== 'document') return stat;
    const { document } = content;
    if (this.#ruling.digestOf(document).value !== digest.value) return stat;
    return { ...stat, digest: this.#ruling.digestOf(this.#seen(document, shape)) };
  }

  #seen(document: Document, shape: Shape): Document {
    return outward(document, shape, this.#ruling.maskers);
  }
}

/** Writes of one entry go one after the other. */
function roundsOf(writes: readonly Inner[]): readonly (readonly Inner[])[] {
  const rounds: Inner[][] = [];
  const times = new Map<Key, number>();
  for (const inner of writes) {
    const key = keyOfWrite(inner.write);
    const round = times.get(key) ?? 0;
    times.set(key, round + 1);
    (rounds[round] ??= []).push(inner);
  }
  return rounds;
}
