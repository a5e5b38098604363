import { isDocument } from '../../model/document.ts';
import type { Document, Value } from '../../model/document.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { joinKey, typeOf } from '../../model/key.ts';
import type { CallOptions, Outcome, Page, Problem, ScanOptions, Store, Write } from '../../model/store.ts';
import { passedOn } from './passed-on.ts';
import { partsOfKey, recordKey } from './record-keys.ts';

/** The fields of a collection of deletions; `deleted_at` is the time of its records. */
export const tombstoneFields = { collection: 'collection', key: 'key', at: 'deleted_at' } as const;

/** A collection of deletions. */
export interface Told {
  /** The same place, of which only that collection is chosen. */
  readonly table: Store;
  readonly name: string;
  readonly host: Pick<Host, 'log'>;
}

/**
 * A store of records beside a collection of it that says which of them were deleted, and when: that collection is no part of
 * what is synced. What is deleted here is said there as well, with the time at which it was deleted first, so that a
 * trigger which knows only the moment at which it hears of it has not the last word.
 */
export function telling(store: Store, told: Told): Store {
  const { table, name, host } = told;
  return {
    ...passedOn(store),
    get capabilities() { return store.capabilities; },
    scan: (asked) => store.scan(asked),
    read: (refs, asked) => store.read(refs, asked),
    write: (batch, asked) => write({ store, table, name, host }, batch, asked),
    tombstones: (asked) => tombstones(table, asked),
    covers: (ref) => typeOf(ref.key) !== name && store.covers?.(ref) !== false,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await table[Symbol.asyncDispose]();
    },
  };
}

async function* tombstones(table: Store, asked: Pick<ScanOptions, 'window' | 'signal'> = {}): AsyncGenerator<Page> {
  for await (const page of table.scan({ ...asked, want: 'content' })) {
    const entries: Entry[] = [];
    const problems: Problem[] = [...(page.problems ?? [])];
    for (const entry of page.entries) {
      const told = toldBy(entry, table);
      if (told instanceof SyncError) problems.push({ place: `${table.name}, ${entry.key}`, error: told });
      else entries.push(told);
    }
    yield { entries, ...(problems.length > 0 && { problems }) };
  }
}

function toldBy({ key, content, modifiedAt }: Entry, table: Store): Entry | SyncError {
  const document: Document = content?.kind === 'document' && isDocument(content.document) ? content.document : {};
  const [collection, of] = [textIn(document, tombstoneFields.collection), textIn(document, tombstoneFields.key)];
  const refuse = (why: string): SyncError => new SyncError('invalid', `${key} of ${table.name} does not say ${why}`, { store: table.name, key, hint: `fill in ${Object.values(tombstoneFields).join(', ')}` });
  if (collection === undefined || of === undefined) return refuse('what was deleted');
  if (modifiedAt === undefined) return refuse('when it was deleted');
  return { key: `${joinKey([collection])}/${of}`, deleted: true, modifiedAt };
}

function textIn(document: Document, field: string): string | undefined {
  const value: Value | undefined = Object.hasOwn(document, field) ? document[field] : undefined;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

async function write({ store, table, name, host }: Told & { readonly store: Store }, batch: readonly Write[], asked: CallOptions | undefined): Promise<readonly Outcome[]> {
  const outcomes = await store.write(batch, asked);
  const told = batch.filter((one, i) => one.kind === 'delete' && one.tombstone?.modifiedAt !== undefined && outcomes[i]?.kind === 'done');
  if (told.length > 0) {
    // What is deleted is deleted, and whoever had it deleted remembers that as well.
    const written = await table.write(told.flatMap((one) => (one.kind === 'delete' ? putOf(one, name) : [])), asked).catch((cause: unknown): readonly Outcome[] => [{ kind: 'failed', error: toSyncError(cause) }]);
    for (const outcome of written) if (outcome.kind === 'failed') host.log('warn', `${store.name}: ${name} could not be told of a deletion: ${outcome.error.sentence}`);
  }
  return outcomes;
}

function putOf({ ref: { key }, tombstone }: Write & { readonly kind: 'delete' }, name: string): Write {
  const { collection } = partsOfKey(key);
  const rest = key.slice(joinKey([collection]).length + 1);
  const entry = { key: recordKey(name, [collection, rest])!, modifiedAt: tombstone!.modifiedAt!, content: { kind: 'document' as const, document: { [tombstoneFields.collection]: collection, [tombstoneFields.key]: rest } } };
  return { kind: 'put', entry };
}
