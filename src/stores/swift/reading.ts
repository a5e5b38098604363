import { defaultBackoff, waitMs } from '../../lib/backoff.ts';
import { HttpFailure } from '../../lib/http/http-failure.ts';
import { whole } from '../../lib/openstack/transfer.ts';
import type { Content, Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import { checksumOf } from './checksum.ts';
import type { SwiftIncoming } from './client.ts';
import type { SwiftContext } from './context.ts';
import { toSwiftError } from './failure.ts';
import type { ObjectFacts } from './object-facts.ts';
import { factsOf, unquoted } from './object-facts.ts';

/** Bytes of an object that come along when it is read; the others come when they are asked for. */
const headBytes = 256 * 1024;

/** Bytes of objects that one call may hold in memory. */
export interface Budget {
  bytes: number;
}

/** One object with its content, opened when asked for; `undefined` where there is none. */
export async function readObject(context: SwiftContext, key: Key, budget: Budget, signal: AbortSignal | undefined): Promise<Entry | undefined> {
  if (context.flawOf(key) !== undefined) return undefined;
  if (budget.bytes < headBytes) {
    const facts = await context.look(key, signal);
    return facts && entryWith(context, key, facts, undefined);
  }
  budget.bytes -= headBytes;
  const incoming = await context.client.open({ path: context.pathOf(key), headers: { range: `bytes=0-${headBytes - 1}` }, wanted: [200, 206, 404, 416], about: context.about('read', key), signal });
  let held = headBytes;
  try {
    if (incoming.status === 404) return undefined;
    // There is no first byte of an empty object.
    const facts = incoming.status === 416 ? await context.look(key, signal) : factsOf(incoming.headers, sizeOf(incoming));
    if (!facts) return undefined;
    const head = incoming.status === 416 || (incoming.status === 200 && (facts.stat.size ?? 0) > headBytes) ? undefined : await wholeOrNothing(incoming);
    held = head?.length ?? 0;
    return entryWith(context, key, facts, head);
  } finally {
    budget.bytes += headBytes - held;
    await incoming.body.return?.();
  }
}

function sizeOf({ status, headers }: SwiftIncoming): number | undefined {
  const total = status === 206 ? /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] : undefined;
  return total === undefined ? undefined : Number(total);
}

/** What began to arrive, unless it breaks off: then it is asked for again when it is needed. */
async function wholeOrNothing(incoming: SwiftIncoming): Promise<Buffer | undefined> {
  try {
    return await whole(incoming, headBytes);
  } catch (error) {
    if (error instanceof HttpFailure || error instanceof RangeError) return undefined;
    throw error;
  }
}

function entryWith(context: SwiftContext, key: Key, facts: ObjectFacts, head: Buffer | undefined): Entry {
  const { attributes, mediaType } = facts;
  const content: Content = { kind: 'blob', ...(mediaType !== undefined && { mediaType }), bytes: () => bytesOf(context, key, facts, head) };
  return { ...context.entryOf(key, facts), content, ...(attributes && { attributes }) };
}

/**
 * The bytes of one version of an object. A transfer that breaks off goes on where it was; an object that is replaced
 * meanwhile, or whose bytes are not those of its checksum, throws at the end at the latest.
 */
async function* bytesOf(context: SwiftContext, key: Key, facts: ObjectFacts, head: Buffer | undefined): AsyncGenerator<Uint8Array> {
  const { etag, stat: { size = 0 } } = facts;
  const { host } = context;
  const about = context.about('read', key);
  const checksum = await checksumOf(context, key, facts);
  const checked = (chunk: Uint8Array): Uint8Array => {
    if (checksum.take(chunk)) return chunk;
    throw new SyncError('unavailable', `cannot read ${about.place}: what arrived is not what its checksum says`, { ...about.details, hint: 'run again; if it stays so, the object on the server is damaged' });
  };
  let offset = 0;
  if (head && head.length > 0) {
    offset = head.length;
    yield checked(head);
  }
  for (let failed = 0; offset < size;) {
    const before = offset;
    let failure = new SyncError('unavailable', `cannot read ${about.place}: it ended after ${offset} of ${size} bytes`, { ...about.details, hint: 'run again' });
    try {
      for await (const chunk of rest(context, key, etag, offset)) {
        offset += chunk.length;
        yield checked(chunk);
      }
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      failure = toSwiftError(error, about);
    }
    if (offset >= size) break;
    failed = offset > before ? 1 : failed + 1;
    if (failed >= defaultBackoff.attempts) throw failure;
    await host.sleep(waitMs(failed, defaultBackoff, host.random()));
  }
  if (offset > size) throw new SyncError('unavailable', `cannot read ${about.place}: it is longer than it says`, { ...about.details, hint: 'run again' });
}

async function* rest(context: SwiftContext, key: Key, etag: string, offset: number): AsyncGenerator<Uint8Array> {
  const about = context.about('read', key);
  const incoming = await context.client.open({
    path: context.pathOf(key), wanted: [200, 206, 404, 416], about, signal: undefined,
    headers: offset > 0 ? { range: `bytes=${offset}-` } : {},
  });
  try {
    // Compared here, because servers hold a condition against the etag of a manifest, and not of what it stands for.
    if (incoming.status >= 400 || unquoted(incoming.headers['etag'] ?? etag) !== etag) throw new SyncError('conflict', `${about.place} was changed while it was being read`, { ...about.details, hint: 'run again' });
    // A server that does not know ranges begins at the beginning.
    let skipped = incoming.status === 206 ? offset : 0;
    for await (const chunk of incoming.body) {
      const from = Math.min(chunk.length, offset - skipped);
      skipped += from;
      if (from < chunk.length) yield from === 0 ? chunk : chunk.subarray(from);
    }
  } finally {
    await incoming.body.return?.();
  }
}
