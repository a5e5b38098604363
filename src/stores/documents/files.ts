import type { Digest, Entry } from '../../model/entry.ts';
import { limits } from '../../lib/limits.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Store } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import { entryFacts } from '../../schema/identity.ts';
import type { Schema } from '../../schema/schema.ts';
import { readDocument } from './codec.ts';
import { named } from './layout.ts';
import type { Format, Named } from './layout.ts';

export interface DocumentsOptions {
  /** How documents name themselves. One that does not is named by its path. */
  readonly schema: Schema;
  /** The format of files that are written; every format is read. */
  readonly format: Format;
  readonly host: Host;
  /** Takes what is kept in the other format for different from everything, so that a run rewrites it. Default: it is as good as any. */
  readonly convert?: boolean;
}

/** A file and what was found in it. */
export interface Holder {
  readonly named: Named;
  readonly entry: Entry;
  /** The document's own text, where it could be read. */
  readonly text?: string;
  /** Why the file could not be read. */
  readonly error?: SyncError;
}

/** What was found out about some keys. */
export interface Findings {
  /** For each key the files that hold it, the one that counts first. */
  readonly holders: readonly (readonly Holder[])[];
  /** Every file that was looked for, by its path. */
  readonly files: ReadonlyMap<string, Holder | undefined>;
}

/** A digest that no other store has: that of an entry which is to be written again whatever it holds. */
export function unlike({ algorithm, value }: Digest): Digest {
  return { algorithm, value: `unlike ${value}` };
}

/** The files of a store of blobs, opened as documents. */
export class DocumentFiles {
  readonly #blobs: Store;
  readonly #options: DocumentsOptions;

  constructor(blobs: Store, options: DocumentsOptions) {
    this.#blobs = blobs;
    this.#options = options;
  }

  /** Reads those of `paths` that are documents and exist. */
  async load(paths: readonly string[], signal: AbortSignal | undefined): Promise<readonly Holder[]> {
    const files = paths.flatMap((path) => named(path) ?? []);
    if (files.length === 0) return [];
    const blobs = await this.#blobs.read(files.map(({ path }) => ({ key: path })), signal && { signal });
    const holders: Holder[] = [];
    for (let i = 0; i < files.length; i++) {
      const blob = blobs[i];
      if (blob) holders.push(await this.#open(files[i]!, blob));
    }
    return holders;
  }

  async #open(file: Named, { content, version, modifiedAt, size = 0, place: given }: Entry): Promise<Holder> {
    const { schema, format, convert = false } = this.#options;
    const place = given ?? `${this.#blobs.name}/${file.path}`;
    const stat = { place, ...(version !== undefined && { version }), ...(modifiedAt !== undefined && { modifiedAt }) };
    try {
      if (size > limits.documentBytes) throw new SyncError('corrupt', `${place}: a document of more than ${limits.documentBytes} bytes`, { hint: 'split it, or move it away' });
      const { document, text } = await readDocument(content, place, file.format);
      const identity = schema.identify(document);
      const unidentified = 'problem' in identity;
      const key = unidentified ? file.key : identity.key;
      if (key === undefined) throw new SyncError('invalid', `${place}: ${unidentified ? identity.problem : 'it has no key'}, and its name is not one that documents are kept under`, { hint: 'rename the file, or give the resource an id and a self link' });
      const entry: Entry = {
        key,
        ...stat,
        digest: convert && file.format !== format ? unlike(digestDocument(document, schema)) : digestDocument(document, schema),
        ...(unidentified ? {} : entryFacts(identity)),
        content: { kind: 'document', document },
      };
      return { named: file, entry, text };
    } catch (cause) {
      if (!(cause instanceof SyncError)) throw cause;
      return { named: file, entry: { key: file.key ?? file.path, ...stat }, error: cause };
    }
  }
}
