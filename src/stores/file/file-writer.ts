import { mkdirSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Document } from '../../model/document.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { compareKeys, typeOf } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { Expectation, Outcome, Write } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import type { Schema, Unidentified } from '../../schema/schema.ts';
import { sameDocument } from '../documents/codec.ts';
import { Draft } from '../tree/draft.ts';
import { lookAt, versionOf as versionOfFile } from '../tree/facts.ts';
import { codeOf, fileError } from '../tree/file-error.ts';
import { obstructed } from '../tree/paths.ts';
import { rewriteEntry, versionOf, writeEntry } from './file-codec.ts';
import { FileIndex } from './file-index.ts';
import type { Place } from './file-index.ts';
import type { Contents, Found } from './file-store.ts';
import { lineOf } from './record-lines.ts';
import { isBlank, segmentsOf } from './segments.ts';
import type { Layout } from './segments.ts';

export interface FileWriterOptions {
  readonly name: string;
  /** Where the file is, links followed. */
  readonly path: string;
  readonly layout: Layout;
  readonly schema: Schema;
  readonly host: Host;
}

/** The file as it is before a batch. */
export interface Before {
  /** Open for reading; `undefined` when there is no file. */
  readonly file: number | undefined;
  readonly contents: Contents;
  readonly find: (key: Key) => readonly Found[];
}

/** What a batch makes of one key. */
interface Change {
  /** Those in the file. */
  readonly held: readonly Found[];
  /** The entry as it will be; `undefined` when there is none. */
  entry: Entry | undefined;
  /** Its new bytes; `undefined` while they are those in the file. */
  bytes: Buffer | undefined;
  /** Whether a write was let through. */
  written: boolean;
}

/** What to do where documents do not say what they are. */
export const elsewhere = 'use a directory, where they are known by their names, a file that ends in .ndjson, or -, to which they are written as they come';

const flushBytes = 1024 * 1024;

/** The writing half of a file with many documents. */
export class FileWriter {
  readonly #options: FileWriterOptions;
  /** Why documents cannot be kept that do not say what they are, one error for those of a collection that lack the same. */
  readonly #nameless = new Map<string, SyncError>();

  constructor(options: FileWriterOptions) {
    this.#options = options;
  }

  /** Writes a batch. `undefined`: the file was changed by someone else meanwhile, and nothing was written. */
  write(batch: readonly Write[], before: Before): { readonly outcomes: readonly Outcome[]; readonly contents: Contents } | undefined {
    const changes = new Map<Key, Change>();
    const outcomes = batch.map((write) => this.#decide(write, before, changes));
    const changed = [...changes].filter(([, { held, entry, bytes, written }]) => written && (bytes !== undefined || held.length > (entry ? 1 : 0)));
    if (changed.length === 0) return { outcomes, contents: before.contents };
    try {
      const contents = this.#replace(new Map(changed), before);
      return contents && { outcomes, contents };
    } catch (cause) {
      const error = fileError(cause, 'write', this.#options.name, { store: this.#options.name });
      const lost = new Set(changed.map(([key]) => key));
      return { outcomes: outcomes.map((outcome, i) => (outcome.kind === 'done' && lost.has(keyOfWrite(batch[i]!)) ? { kind: 'failed', error } : outcome)), contents: before.contents };
    }
  }

  /** What a batch would be answered as far as documents are refused for what they hold. */
  foresee(batch: readonly Write[]): readonly Outcome[] {
    return batch.map((write) => {
      try {
        if (write.kind === 'put') this.#accepted(write.entry);
        return { kind: 'done', stat: {} };
      } catch (cause) {
        if (!(cause instanceof SyncError)) throw cause;
        return { kind: 'failed', error: cause };
      }
    });
  }

  /** The answer to one write if the file can be replaced, and what then changes. */
  #decide(write: Write, { contents, find }: Before, changes: Map<Key, Change>): Outcome {
    const key = keyOfWrite(write);
    try {
      let change = changes.get(key);
      if (!change) {
        const held = find(key);
        changes.set(key, (change = { held, entry: held[0]?.entry, bytes: undefined, written: false }));
      }
      const { expect } = write;
      if (expect && !meets(change.entry, expect)) return { kind: 'stale', found: change.entry };
      const unguarded = expect ? { unguarded: true as const } : {};
      if (write.kind === 'delete') {
        change.entry = change.bytes = undefined;
        change.written = true;
        return { kind: 'done', stat: {}, ...unguarded };
      }
      const { document, line } = this.#accepted(write.entry);
      const [first] = change.held;
      const digest = digestDocument(document, this.#options.schema);
      change.written = true;
      if (first && sameDocument(first.entry.content.document, document)) {
        [change.entry, change.bytes] = [first.entry, undefined];
        return { kind: 'done', stat: { version: versionOf(first.bytes), digest }, ...unguarded };
      }
      change.bytes = first ? rewriteEntry(line, this.#options.layout, first.bytes, !contents.list && contents.index.size === 1) : writeEntry(line, this.#options.layout);
      const version = versionOf(change.bytes);
      change.entry = { ...write.entry, version, digest };
      return { kind: 'done', stat: { version, digest }, ...unguarded };
    } catch (cause) {
      if (!(cause instanceof SyncError)) throw cause;
      return { kind: 'failed', error: cause };
    }
  }

  /** The document, and what is written of it. */
  #accepted({ key, content }: Entry): { readonly document: Document; readonly line: Document } {
    const { name, schema, layout } = this.#options;
    if (content?.kind !== 'document') throw new SyncError('unsupported', `${name} holds documents, and ${key} is none`, { store: name, key });
    const { document } = content;
    const identity = schema.identify(document);
    if ('problem' in identity && layout === 'lines') return { document, line: lineOf({ key, document }, name) };
    if ('problem' in identity) throw this.#namelessFor(key, identity);
    if (identity.key !== key) throw new SyncError('invalid', `a document that says it is ${identity.key} cannot be kept as ${key}`, { store: name, key });
    return { document, line: document };
  }

  #namelessFor(key: Key, { problem, missing }: Unidentified): SyncError {
    const { name } = this.#options;
    if (missing === undefined) return new SyncError('invalid', `${key} cannot be kept in ${name}, where documents are known by what they hold: ${problem}`, { store: name, key, hint: elsewhere });
    const type = typeOf(key);
    const which = `documents ${type === '' ? '' : `of ${type} `}that have no ${missing}`;
    const known = this.#nameless.get(which) ?? new SyncError('unsupported', `${name} cannot keep ${which}, because they are known there by what they hold`, { store: name, hint: elsewhere, alike: true });
    this.#nameless.set(which, known);
    return known;
  }

  /** Replaces the file by one with the changes; `undefined` if it is no longer the one that was read. */
  #replace(changes: ReadonlyMap<Key, Change>, { file, contents }: Before): Contents | undefined {
    const { path, host } = this.#options;
    makeDirectory(dirname(path));
    using draft = Draft.create(dirname(path), host);
    const edits = new Map<number, Buffer | undefined>();
    for (const { held, bytes, entry } of changes.values()) held.forEach(({ number }, i) => { if (i > 0 || bytes || !entry) edits.set(number, i === 0 ? bytes : undefined); });
    const added = inOrder([...changes].filter(([, { held, bytes }]) => held.length === 0 && bytes).map(([key, { entry, bytes }]) => ({ key, entry: entry!, bytes: bytes! })));
    const output = new Output(draft);
    const appends = file !== undefined && edits.size === 0 && this.#options.layout !== 'json';
    const index = appends ? this.#append(output, file, contents, added) : this.#rewrite(output, { file, contents, edits, added });
    output.flush();

    const now = lookAt(path);
    if ((now && versionOfFile(now)) !== contents.version) return undefined;
    draft.finish({ like: now });
    // A file that was not there is made in one step, so that nobody's is overwritten.
    if (now === undefined) {
      const claimed = draft.claim(path);
      if (claimed === 'taken') return undefined;
      if (claimed === 'unable') draft.replace(path);
    } else draft.replace(path);
    const { version } = draft.stat(path);
    const found = index();
    return { version, index: found, list: contents.list || found.size !== 1, lines: output.lines };
  }

  /** The old file and what is added to it. The index comes when the new file is in its place, because it is the old one, continued. */
  #append(output: Output, file: number, { index, lines }: Contents, added: readonly Added[]): () => FileIndex {
    output.begin(this.#options.path, file, lines);
    output.endLine();
    const places = added.map(({ bytes }) => output.put(bytes));
    return () => {
      added.forEach(({ key }, i) => index.add(key, places[i]!));
      return index;
    };
  }

  /** The old file, piece by piece, each as it is, changed or left out, and what is added. */
  #rewrite(output: Output, { file, contents, edits, added }: Rewrite): () => FileIndex {
    const { layout, name } = this.#options;
    const index = new FileIndex();
    const frame = new Frame(output, layout, layout === 'json' && (contents.list || contents.index.size + added.length !== 1));
    let number = 0;
    let afterEdit = false;
    if (file !== undefined) {
      for (const { start, bytes } of segmentsOf(file, layout, name)) {
        const known = number < contents.index.size && contents.index.place(number).offset === start;
        const edit = known ? edits.get(number) : undefined;
        const leftOut = known && edits.has(number) && !edit;
        if (!leftOut) {
          const place = frame.put(edit ?? bytes, afterEdit);
          if (known) index.addFrom(contents.index, number, place);
        }
        afterEdit = leftOut || edit !== undefined;
        if (known) number++;
      }
    }
    // What was not met again would be lost.
    if (number !== contents.index.size) throw new SyncError('internal', `${name} is not as it was read`, { store: name });
    for (const { key, bytes } of added) index.add(key, frame.put(bytes, false));
    frame.end();
    return () => index;
  }
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw codeOf(cause) === 'EEXIST' ? obstructed(path, 'file') : cause;
  }
}

interface Added {
  readonly key: Key;
  readonly bytes: Buffer;
}

interface Rewrite {
  readonly file: number | undefined;
  readonly contents: Contents;
  /** By the number of the document in the file; `undefined` for what is left out. */
  readonly edits: ReadonlyMap<number, Buffer | undefined>;
  readonly added: readonly Added[];
}

/** Puts between documents what their layout needs there. */
class Frame {
  readonly #output: Output;
  readonly #layout: Layout;
  readonly #list: boolean;
  #values = 0;

  constructor(output: Output, layout: Layout, list: boolean) {
    this.#output = output;
    this.#layout = layout;
    this.#list = list;
    if (list) output.text('[\n');
  }

  /** `afterEdit`: what came before is no longer what it was, and may not end where it did. */
  put(bytes: Buffer, afterEdit: boolean): Place {
    if (this.#layout === 'json') {
      if (this.#values++ > 0) this.#output.text(this.#list ? ',\n' : '\n');
      return this.#output.put(bytes);
    }
    this.#output.endLine();
    if (this.#layout !== 'yaml' || !afterEdit) return this.#output.put(bytes);
    if (!isBlank(bytes, 'yaml')) return this.#output.put(opener.equals(bytes.subarray(0, 3)) ? bytes : Buffer.concat([opener, feed, bytes]));
    // Directives may only follow a document that has said where it ends.
    return this.#output.put(/^%/m.test(bytes.toString('latin1')) ? Buffer.concat([closer, feed, bytes]) : bytes);
  }

  end(): void {
    if (this.#list) this.#output.text(this.#values > 0 ? '\n]\n' : ']\n');
    else if (this.#layout === 'json') this.#output.text('\n');
  }
}

const opener = Buffer.from('---');
const closer = Buffer.from('...');
const feed = Buffer.from('\n');

/** Gathers small pieces, and counts bytes and lines. */
class Output {
  readonly #draft: Draft;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #offset = 0;
  #line = 1;
  #last = 10;

  constructor(draft: Draft) {
    this.#draft = draft;
  }

  /** Begins with all that is in a file. */
  begin(path: string, file: number, lines: number): void {
    this.#draft.copyFrom(path);
    this.#offset = this.#draft.size;
    this.#line = lines + 1;
    const last = Buffer.alloc(1);
    if (this.#offset > 0 && readSync(file, last, 0, 1, this.#offset - 1) === 1) this.#last = last[0]!;
  }

  /** Ends a line that was left open. */
  endLine(): void {
    if (this.#last !== 10) this.text('\n');
  }

  /** Lines that were ended. */
  get lines(): number {
    return this.#line - 1;
  }

  put(bytes: Buffer): Place {
    const place = { offset: this.#offset, length: bytes.length, line: this.#line };
    this.#push(bytes);
    return place;
  }

  text(text: string): void {
    this.#push(Buffer.from(text));
  }

  flush(): void {
    this.#draft.write(Buffer.concat(this.#held, this.#heldBytes));
    [this.#held, this.#heldBytes] = [[], 0];
  }

  #push(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#held.push(Buffer.from(bytes));
    this.#heldBytes += bytes.length;
    this.#offset += bytes.length;
    this.#last = bytes.at(-1)!;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) this.#line++;
    if (this.#heldBytes > flushBytes) this.flush();
  }
}

/** New documents in key order, but none before those it depends on. */
function inOrder(added: readonly (Added & { readonly entry: Entry })[]): readonly Added[] {
  const sorted = added.toSorted((a, b) => compareKeys(a.key, b.key));
  if (!sorted.some(({ entry }) => entry.dependsOn?.length)) return sorted;
  const byAddress = new Map(sorted.map((one) => [one.entry.address ?? one.key, one]));
  const ordered = new Set<(typeof sorted)[number]>();
  const entered = new Set<(typeof sorted)[number]>();
  for (const first of sorted) {
    // On a stack of its own, because a chain of parents may be longer than the call stack.
    const stack = [first];
    for (let one = stack.at(-1); one; one = stack.at(-1)) {
      const parent = entered.has(one) ? undefined : one.entry.dependsOn?.map((address) => byAddress.get(address)).filter((found) => found && !entered.has(found) && found !== one);
      entered.add(one);
      if (parent?.length) for (const next of parent.toReversed()) stack.push(next!);
      else {
        stack.pop();
        ordered.add(one);
      }
    }
  }
  return [...ordered];
}

function meets(found: Entry | undefined, expect: Expectation): boolean {
  if ('absent' in expect) return found === undefined;
  if ('version' in expect) return found?.version === expect.version;
  return found === undefined || (found.modifiedAt ?? Infinity) < expect.older;
}
