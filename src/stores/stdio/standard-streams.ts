import { readDocuments } from '../../formats/detect.ts';
import { writeJson } from '../../formats/json.ts';
import { writeYamlDocument } from '../../formats/yaml-write.ts';
import { limits } from '../../lib/limits.ts';
import { SeenSet } from '../../lib/seen-set.ts';
import { isDocument } from '../../model/document.ts';
import type { Value } from '../../model/document.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { CallOptions, Capabilities, Outcome, Page, Problem, ScanOptions, Store, Write } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import { entryFacts } from '../../schema/identity.ts';
import type { Schema } from '../../schema/schema.ts';
import { fileError } from '../tree/file-error.ts';

const inputName = 'standard input';

/** What streams can do: be read once, in the order they come, and be written to the end. */
export const standardCapabilities: Capabilities = {
  holds: 'documents',
  order: 'none',
  enumerates: 'all',
  reads: 'once',
  modifiedAt: 'none',
  modifiedAtPrecision: 1,
  digests: ['document'],
  expects: [],
  deletes: false,
  // Whoever reads what comes out may want parents before children, too.
  dependencies: 'required',
  visibility: 'immediate',
  // One batch at a time, so that documents come out in the order in which they were put.
  limits: { batchEntries: 500, inFlight: 1, keyBytes: 1_000_000 },
};

/**
 * Standard input as a source (YAML, JSON or a line of JSON each, whichever it is) and standard output as a sink. What has
 * been read is gone and what has been written cannot be asked for, so single entries cannot be read.
 */
export class StandardStreams implements Store {
  readonly name = '-';
  readonly identity = '-';
  readonly capabilities: Capabilities = standardCapabilities;
  readonly #streams: NonNullable<Host['standard']>;
  readonly #schema: Schema;
  readonly #format: 'yaml' | 'json';
  #begun = false;

  constructor(streams: NonNullable<Host['standard']>, schema: Schema, format: 'yaml' | 'json') {
    this.#streams = streams;
    this.#schema = schema;
    this.#format = format;
  }

  async *scan({ signal }: ScanOptions = {}): AsyncGenerator<Page> {
    signal?.throwIfAborted();
    if (this.#begun) throw new SyncError('unsupported', 'standard input can be read only once', { store: this.name });
    this.#begun = true;
    const seen = new SeenSet();
    let entries: Entry[] = [];
    let problems: Problem[] = [];
    for await (const { value, line } of readDocuments(untilAborted(this.#streams.input(), signal), inputName)) {
      try {
        const entry = this.#entry(value, line);
        const known = seen.add(entry.key, entry.digest?.value);
        if (known === 'new') entries.push(entry);
        else if (known === 'different') throw new SyncError('invalid', `${entry.place} is a second, different ${entry.key}`, { store: this.name, key: entry.key, hint: 'remove one of them' });
      } catch (cause) {
        if (!(cause instanceof SyncError)) throw cause;
        problems.push({ place: `${inputName}:${line}`, error: cause });
      }
      if (entries.length + problems.length < limits.pageEntries) continue;
      yield problems.length > 0 ? { entries, problems } : { entries };
      [entries, problems] = [[], []];
    }
    if (entries.length + problems.length > 0) yield problems.length > 0 ? { entries, problems } : { entries };
  }

  async read(_refs: readonly Ref[], { signal }: CallOptions = {}): Promise<never> {
    signal?.throwIfAborted();
    throw new SyncError('unsupported', 'standard input can be read only once, from beginning to end', { store: this.name });
  }

  async write(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    signal?.throwIfAborted();
    let text = '';
    const outcomes = batch.map((write): Outcome => {
      try {
        text += this.#textOf(write);
        // What was written cannot be read again, so that nobody has a use for its digest.
        return write.expect ? unguarded : done;
      } catch (cause) {
        if (!(cause instanceof SyncError)) throw cause;
        return { kind: 'failed', error: cause };
      }
    });
    if (text === '') return outcomes;
    try {
      await this.#streams.write(text);
    } catch (cause) {
      const closed = cause instanceof Error && 'code' in cause && (cause.code === 'EPIPE' || cause.code === 'ERR_STREAM_DESTROYED');
      // Nobody knows how much of the batch got out, so writing it once more would repeat some of it.
      const error = closed
        ? new SyncError('unavailable', 'standard output was closed before everything was written', { cause, attempts: 1, hint: 'keep its reader running to the end' })
        : fileError(cause, 'write to', 'standard output', { attempts: 1 });
      return outcomes.map((outcome) => (outcome.kind === 'done' ? { kind: 'failed', error } : outcome));
    }
    return outcomes;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #entry(document: Value, line: number): Entry {
    const place = `${inputName}:${line}`;
    if (!isDocument(document)) throw new SyncError('corrupt', `${place}: a document with fields is needed here`, { hint: 'mend or remove it' });
    const identity = this.#schema.identify(document);
    if ('problem' in identity) throw new SyncError('invalid', `${place}: a document cannot be told from others, because ${identity.problem}`, { hint: 'add what is missing, or remove the document' });
    return {
      key: identity.key,
      digest: digestDocument(document, this.#schema),
      ...entryFacts(identity),
      place,
      // What can be read only once comes with all there is.
      content: { kind: 'document', document },
    };
  }

  #textOf(write: Write): string {
    if (write.kind === 'delete') throw new SyncError('unsupported', 'nothing can be deleted from standard output', { store: this.name, key: write.ref.key });
    const { entry: { key, content } } = write;
    if (content.kind !== 'document') throw new SyncError('unsupported', `standard output takes documents, and ${key} is none`, { store: this.name, key });
    return this.#format === 'yaml' ? writeYamlDocument(content.document) : `${content.json ?? writeJson(content.document)}\n`;
  }
}

const done: Outcome = { kind: 'done', stat: {} };
const unguarded: Outcome = { kind: 'done', stat: {}, unguarded: true };

/** Ends with the signal's reason when it fires, also while nothing comes. */
async function* untilAborted(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  if (!signal) {
    yield* chunks;
    return;
  }
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  aborted.catch(() => {});
  signal.addEventListener('abort', abort, { once: true });
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    signal.throwIfAborted();
    for (let next = await Promise.race([iterator.next(), aborted]); !next.done; next = await Promise.race([iterator.next(), aborted])) yield next.value;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
