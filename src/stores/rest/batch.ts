import type { HttpResponse } from '../../lib/http/client.ts';
import type { Document, Value } from '../../model/document.ts';
import { isDocument } from '../../model/document.ts';
import type { Digest, Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import type { Expectation, Outcome } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import { statOfDigest } from './echo.ts';
import { toRestError } from './failure.ts';
import { look } from './look.ts';
import { valueOf } from './read-value.ts';
import type { Put, Sending, Sent } from './sending.ts';
import { isSame, mediaTypes, send, sentOf, signalled, textOf } from './sending.ts';
import { isSuccess } from './single.ts';

/** What became of a batch. */
export interface Batched {
  /** Of the puts that are settled, by key. The others are still to be put one by one. */
  readonly outcomes: ReadonlyMap<Key, Outcome>;
  /** Whether the others may have been written, too. */
  readonly lost: boolean;
  /** Whether it makes no sense to send this collection another batch. */
  readonly refused?: true;
}

/** Whether a collection says that it takes several resources in one PATCH. */
export async function takesBatches(collection: string, sending: Sending): Promise<boolean> {
  try {
    const response = await send(collection, { method: 'OPTIONS' }, sending);
    const allowed = (response.headers['allow'] ?? '').split(',').map((method) => method.trim());
    return isSuccess(response) && allowed.includes('PATCH');
  } catch {
    // Whatever is wrong shows again, and is told, when the resources are put one by one.
    return false;
  }
}

/**
 * Puts resources of one collection in one PATCH of that collection, after reading those that something is expected of:
 * no condition can go along with it. What the server refuses or passes over is left to be put one by one.
 */
export async function putMany(puts: readonly Put[], collection: string, sending: Sending): Promise<Batched> {
  const outcomes = new Map<Key, Outcome>();
  const prepared = await Promise.all(puts.map((put) => prepare(put, sending, outcomes)));
  const open = prepared.filter((one) => one !== undefined);
  if (open.length < 2) return { outcomes, lost: false };
  const response = await patch(open, collection, sending);
  if (response === undefined || !isSuccess(response)) {
    // Not found, not offered, not in this form: it will not be another time either.
    return { outcomes, lost: true, ...([404, 405, 415, 501].includes(response?.status ?? 0) && { refused: true }) };
  }
  const echoes = await echoesIn(response, open, sending);
  await Promise.all(open.map(async ({ sent, expect }) => {
    const digest = echoes === undefined ? await digestAfter(sent, expect, sending) : echoes.get(sent.entry.key);
    if (digest !== undefined) outcomes.set(sent.entry.key, { kind: 'done', stat: statOfDigest(digest), ...(expect !== undefined && { unguarded: true }) });
  }));
  return { outcomes, lost: true };
}

interface Prepared {
  readonly sent: Sent;
  readonly expect: Expectation | undefined;
}

/** What to send of a put; `undefined` where it is settled by a look at what is there, or by what is wrong with it. */
async function prepare({ entry, expect }: Put, sending: Sending, outcomes: Map<Key, Outcome>): Promise<Prepared | undefined> {
  try {
    const sent = sentOf(entry, sending.context);
    const looked = await look(entry, expect, { ...sending, always: true });
    if (looked.kind === 'clear' && !isSame(looked.before, sent)) return { sent, expect };
    outcomes.set(entry.key, looked.kind === 'stale' ? looked : { kind: 'done', stat: statOfDigest(sent.digest) });
  } catch (cause) {
    outcomes.set(entry.key, { kind: 'failed', error: toRestError(cause, sending.context.name) });
  }
  return undefined;
}

/** Sends the batch; `undefined` where it was not answered. */
async function patch(open: readonly Prepared[], collection: string, sending: Sending): Promise<HttpResponse | undefined> {
  const { format } = sending.context.settings;
  const body = format === 'json' ? `{"items": [${open.map(({ sent }) => sent.body).join(', ')}]}` : textOf({ items: open.map(({ sent }) => sent.document) }, format);
  try {
    return await send(collection, { method: 'PATCH', headers: { 'content-type': mediaTypes[format] }, body }, sending);
  } catch {
    // Whatever is wrong shows again when the resources are put one by one.
    return undefined;
  }
}

/** The digests of the resources that an answer carries, where they can be believed; `undefined` where it carries none. */
async function echoesIn(response: HttpResponse, open: readonly Prepared[], sending: Sending): Promise<ReadonlyMap<Key, Digest> | undefined> {
  const { context: { schema, readEntry }, habit } = sending;
  if (habit.echoes === false) return undefined;
  const entries = new Map(open.map(({ sent: { entry } }) => [entry.key, entry]));
  const echoes = new Map<Key, Digest>();
  for (const item of itemsOf(response) ?? []) {
    const identity = isDocument(item) ? schema.identify(item, response.url) : undefined;
    if (identity === undefined || 'problem' in identity || entries.get(identity.key)?.address !== identity.address) continue;
    echoes.set(identity.key, digestDocument(schema.rooted(item as Document, response.url), schema));
  }
  const [first] = echoes;
  if (first === undefined) return undefined;
  if (habit.echoes === undefined) {
    const found = await readEntry(entries.get(first[0]) as Entry, signalled(sending)).catch(() => undefined);
    if (found !== undefined) habit.echoes = found.entry.digest?.value === first[1].value;
  }
  return habit.echoes === false ? undefined : echoes;
}

function itemsOf(response: HttpResponse): readonly Value[] | undefined {
  if (response.body.length === 0) return undefined;
  try {
    const value = valueOf(response);
    const items = isDocument(value) && Object.hasOwn(value, 'items') ? value['items'] : value;
    return Array.isArray(items) ? items as readonly Value[] : undefined;
  } catch (error) {
    if (error instanceof SyncError) return undefined;
    throw error;
  }
}

/** The digest of a resource that was written, read back; `undefined` where it is still what it was or cannot be read. */
async function digestAfter({ entry }: Sent, expect: Expectation | undefined, sending: Sending): Promise<Digest | undefined> {
  const found = await sending.context.readEntry(entry, signalled(sending)).catch(() => undefined);
  return expect !== undefined && 'version' in expect && found?.entry.version === expect.version ? undefined : found?.entry.digest;
}
