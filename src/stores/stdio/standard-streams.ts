import { readDocuments } from '../../formats/detect.ts';
import { writeJson } from '../../formats/json.ts';
import { writeYamlDocument } from '../../formats/yaml-write.ts';
import { limits } from '../../lib/limits.ts';
import type { Document, Value } from '../../model/document.ts';
import { isDocument } from '../../model/document.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { CallOptions, Capabilities, Outcome, Page, Problem, ScanOptions, Store, Write } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import type { Schema } from '../../schema/schema.ts';

/** What streams can do: be read once, in the order they come, and be written to the end. */
export const standardCapabilities: Capabilities = {
  holds: 'documents', order: 'none', enumerates: 'all', reads: 'once', modifiedAt: 'none', modifiedAtPrecision: 1, digests: ['document'],
  expects: [], deletes: false, dependencies: 'required', visibility: 'immediate',
  limits: { batchEntries: 500, inFlight: 1, keyBytes: Number.MAX_SAFE_INTEGER },
};

/**
 * Standard input as a source and standard output as a sink. What has been read is gone and what has been written
 * cannot be asked for, so single entries cannot be read, and the two are never compared.
 */
export class StandardStreams implements Store {
  readonly name = '-';
  readonly identity = '-';
  readonly capabilities: Capabilities = standardCapabilities;
  readonly #streams: NonNullable<Host['standard']>;
  readonly #schema: Schema;
  readonly #format: 'yaml' | 'json';

  constructor(streams: NonNullable<Host['standard']>, schema: Schema, format: 'yaml' | 'json') {
    this.#streams = streams;
    this.#schema = schema;
    this.#format = format;
  }

  async *scan({ signal }: ScanOptions = {}): AsyncGenerator<Page> {
    let entries: Entry[] = [];
    let problems: Problem[] = [];
    for await (const { value, line } of readDocuments(this.#streams.input(), 'standard input')) {
      signal?.throwIfAborted();
      const found = this.#identify(value, `standard input:${line}`);
      if ('error' in found) problems.push(found);
      else entries.push(found);
      if (entries.length + problems.length < limits.pageEntries) continue;
      yield { entries, problems };
      [entries, problems] = [[], []];
    }
    if (entries.length + problems.length > 0) yield { entries, problems };
  }

  async read(): Promise<never> {
    throw new SyncError('unsupported', 'standard input can be read only once');
  }

  async write(batch: readonly Write[], _options?: CallOptions): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    let text = '';
    for (const write of batch) {
      try {
        text += this.#textOf(write);
        outcomes.push({ kind: 'done', stat: {}, unguarded: true });
      } catch (error) {
        outcomes.push({ kind: 'failed', error: toSyncError(error) });
      }
    }
    if (text === '') return outcomes;
    try {
      await this.#streams.write(text);
    } catch (cause) {
      const error = new SyncError('unavailable', 'standard output was closed before everything was written', { cause, attempts: 1, hint: 'keep its reader running to the end' });
      return outcomes.map((outcome) => (outcome.kind === 'done' ? { kind: 'failed', error } : outcome));
    }
    return outcomes;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #identify(value: Value, place: string): Entry | Problem {
    if (!isDocument(value)) return { place, error: new SyncError('corrupt', `${place}: a document is a set of fields, and this is none`) };
    const identity = this.#schema.identify(value);
    if ('problem' in identity) return { place, error: new SyncError('invalid', `${place}: ${identity.problem}`, { hint: 'every document needs what names it' }) };
    const { key, address, collection, dependsOn } = identity;
    return {
      key, place, digest: digestDocument(value, this.#schema), content: { kind: 'document', document: value },
      ...(address !== undefined && { address }), ...(collection !== undefined && { collection }), ...(dependsOn.length > 0 && { dependsOn }),
    };
  }

  #textOf(write: Write): string {
    if (write.kind === 'delete') throw new SyncError('unsupported', `nothing can be deleted from standard output (${write.ref.key})`, { key: write.ref.key });
    const { content, key } = write.entry;
    if (content.kind !== 'document') throw new SyncError('unsupported', `${key} is no document, and only documents can be written to standard output`, { key });
    const document: Document = content.document;
    return this.#format === 'json' ? `${writeJson(document)}\n` : writeYamlDocument(document);
  }
}
