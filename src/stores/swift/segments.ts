import { Limit } from '../../lib/limit.ts';
import type { Content, Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import type { SwiftRequest } from './client.ts';
import { pathOf } from './client.ts';
import type { SwiftContext } from './context.ts';
import type { SwiftAnswer } from './failure.ts';
import type { Row } from './listing.ts';
import { unquoted } from './object-facts.ts';
import { sizedPieces } from './pieces.ts';
import type { Piece } from './pieces.ts';

/** One segment of a large object, as a manifest names it. */
export interface Segment {
  /** `/container/name`. */
  readonly path: string;
  readonly etag: string;
  readonly bytes: number;
}

/** Where the segments of one upload go. */
export interface Upload {
  /** Where all segments of this object are, of whatever upload. */
  readonly home: string;
  /** Where those of this upload are. */
  readonly folder: string;
  /** Bytes of a segment, by its place. */
  readonly bytesOf: (index: number) => number;
}

export interface SendingOptions {
  readonly mostSegments: number;
  readonly signal: AbortSignal | undefined;
}

/** Segments of one object that go up at once, where the memory for them is there. */
const mostAtOnce = 4;

/**
 * Sends the segments that are not there yet, several at once where they are small enough to be held, and else one after
 * the other. Answers all of them in order; `undefined` where those that are there turn out to be of other content.
 */
export async function sendSegments(context: SwiftContext, { key, content, size }: Entry & { readonly content: Content & { readonly kind: 'blob' } }, { folder, bytesOf }: Upload, there: ReadonlyMap<string, Row>, { mostSegments, signal }: SendingOptions): Promise<readonly Segment[] | undefined> {
  const segments: Segment[] = [];
  const sending = new Limit(mostAtOnce);
  let offset = 0;
  try {
    for await (const piece of sizedPieces(content.bytes(), bytesOf)) {
      signal?.throwIfAborted();
      const index = segments.length;
      if (index === mostSegments) throw new SyncError('invalid', `cannot write ${context.name}/${key}: it has more than the ${mostSegments} segments that the server takes`, { store: context.name, key, hint: 'choose larger segments' });
      const name = `${folder}${String(index).padStart(6, '0')}`;
      const wanted = size === undefined ? undefined : Math.min(bytesOf(index), size - offset);
      const kept = there.get(name);
      if (kept && kept.bytes === (wanted ?? bytesOf(index))) {
        for await (const _ of exactly(piece, kept.bytes, key)) signal?.throwIfAborted();
        if (piece.md5() !== kept.hash) return undefined;
      } else if (bytesOf(index) * 2 <= context.memoryBytes) await hold(context, { key, name, piece, bytes: wanted ?? bytesOf(index), size: wanted, signal }, sending);
      else {
        await sending.drain();
        await passOn(context, { key, name, piece, size: wanted, signal });
      }
      segments.push({ path: `/${context.segmentContainer}/${name}`, etag: piece.md5(), bytes: piece.size() });
      offset += piece.size();
    }
    await sending.drain();
    return segments;
  } finally {
    // What else went wrong is already on its way to whoever asked.
    await sending.drain().catch(() => {});
  }
}

interface Sending {
  readonly key: Key;
  readonly name: string;
  readonly piece: Piece;
  readonly size: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Reads a segment into memory, and sends it while others are read. Resolves when it has been read. */
async function hold(context: SwiftContext, { bytes, ...segment }: Sending & { readonly bytes: number }, sending: Limit): Promise<void> {
  const { memory } = context;
  const room = memory.take(bytes);
  if (room) await room;
  let started = false;
  try {
    const { key, piece, size, signal } = segment;
    const held = Buffer.allocUnsafe(bytes);
    let filled = 0;
    for await (const chunk of exactly(piece, size, key)) {
      signal?.throwIfAborted();
      held.set(chunk, filled);
      filled += chunk.length;
    }
    const body = held.subarray(0, filled);
    await sending.add(async () => {
      started = true;
      try {
        await sendHeld(context, segment, body);
      } finally {
        memory.give(bytes);
      }
    });
  } finally {
    if (!started) memory.give(bytes);
  }
}

async function sendHeld(context: SwiftContext, { key, name, piece, signal }: Sending, body: Buffer): Promise<void> {
  const request = requestFor(context, { key, name, signal });
  for (let attempts = 1; ; attempts++) {
    const answer = await context.client.request({ ...request, headers: { ...request.headers, etag: piece.md5() }, body: () => body });
    if (answer.status !== 404) return check(context, key, answer, piece.md5());
    if (attempts === 2) throw missingSegments(context, request);
    await context.supply(context.segmentContainer, signal);
  }
}

/** Sends a segment as it is read. What goes wrong cannot be repeated here. */
async function passOn(context: SwiftContext, { key, name, piece, size, signal }: Sending): Promise<void> {
  const request = requestFor(context, { key, name, signal });
  const answer = await context.client.request({ ...request, headers: { ...request.headers, ...(size !== undefined && { 'content-length': String(size) }) }, body: () => exactly(piece, size, key), once: true });
  if (answer.status === 404) {
    await context.supply(context.segmentContainer, signal);
    throw missingSegments(context, request);
  }
  check(context, key, answer, piece.md5());
}

function requestFor(context: SwiftContext, { key, name, signal }: Pick<Sending, 'key' | 'name' | 'signal'>): SwiftRequest {
  return {
    method: 'PUT', path: pathOf(context.segmentContainer, name), headers: { 'content-type': 'application/octet-stream' },
    wanted: [201, 202, 404], about: context.about('write a segment of', key), signal,
  };
}

function check(context: SwiftContext, key: Key, { headers }: SwiftAnswer, md5: string): void {
  const { place, details } = context.about('write a segment of', key);
  if (unquoted(headers['etag'] ?? '') !== md5) throw new SyncError('unavailable', `cannot write ${place}: what arrived is not what was sent`, { ...details, hint: 'run again' });
}

function missingSegments({ segmentContainer }: SwiftContext, { about }: SwiftRequest): SyncError {
  return new SyncError('unavailable', `the container ${segmentContainer} was missing`, { ...about.details, hint: 'run again' });
}

/** The bytes of a piece that must have the size it was said to have, so that nothing is cut short or padded. */
async function* exactly(piece: Piece, size: number | undefined, key: Key): AsyncGenerator<Uint8Array> {
  const changed = (): SyncError => new SyncError('conflict', `${key} was changed while it was being read`, { key, hint: 'run again' });
  for await (const chunk of piece.bytes()) {
    if (size !== undefined && piece.size() > size) throw changed();
    yield chunk;
  }
  if (size !== undefined && piece.size() < size) throw changed();
}
