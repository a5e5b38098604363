import { createHash } from 'node:crypto';
import { defaultBackoff, waitMs } from '../../lib/backoff.ts';
import type { HttpHeaders } from '../../lib/http/client.ts';
import type { Content, Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import type { SwiftContext } from './context.ts';
import { deleteNames } from './deleting.ts';
import { statusFailure } from './failure.ts';
import { listRange } from './listing.ts';
import type { Row } from './listing.ts';
import { largeVersion, manifestOf } from './manifest.ts';
import { unquoted } from './object-facts.ts';
import type { ObjectFacts } from './object-facts.ts';
import { sendSegments } from './segments.ts';
import type { Segment, Upload } from './segments.ts';

export interface LargeOptions {
  /** For the manifest. */
  readonly headers: HttpHeaders;
  readonly mostSegments: number;
  /** The largest single object the server takes. */
  readonly fileBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** Segments of an upload that nobody went on with are removed after this long. */
const forgottenMs = 24 * 60 * 60 * 1_000;

/** Bytes of a segment, unless there would be too many: so few that several are held at once and go up together. */
const preferredBytes = 8 * 1024 * 1024;

/** Growing segments make room for content whose size nobody knows. */
const segmentsOfOneSize = 100;

/**
 * Puts content as segments, and then the manifest that makes one object of them; until then nothing has changed for
 * anybody. An upload of the same version that was cut off goes on: segments that are there already and hold the same
 * are not sent again. `undefined`: something was there already, and was not to be.
 */
export async function putLarge(context: SwiftContext, entry: Entry & { readonly content: Content & { readonly kind: 'blob' } }, options: LargeOptions): Promise<{ readonly segments: readonly Segment[]; readonly size: number } | undefined> {
  const { host } = context;
  let upload = uploadOf(context, entry, options);
  for (let failed = 0; ;) {
    try {
      const there = await segmentsIn(context, upload.home, options.signal);
      const mine = new Map([...there].filter(([name]) => name.startsWith(upload.folder)));
      const segments = await sendSegments(context, entry, upload, mine, options);
      if (!segments) {
        upload = uploadOf(context, { key: entry.key, ...(entry.size !== undefined && { size: entry.size }) }, options);
        continue;
      }
      const size = segments.reduce((sum, { bytes }) => sum + bytes, 0);
      if (entry.size !== undefined && size !== entry.size) throw new SyncError('conflict', `${entry.place ?? entry.key} was changed while it was being read`, { key: entry.key, hint: 'run again' });
      if (!(await putManifest(context, entry.key, segments, options))) return undefined;
      await removeForgotten(context, upload, there, options.signal);
      return { segments, size };
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof SyncError) || !error.retryable || ++failed >= defaultBackoff.attempts) throw error;
      host.log('info', `${error.message}; going on with it`);
      await host.sleep(waitMs(failed, defaultBackoff, host.random(), error.details.retryAfterMs), options.signal);
    }
  }
}

function uploadOf(context: SwiftContext, { key, version, size }: Entry, { mostSegments, fileBytes }: LargeOptions): Upload {
  const name = context.nameOf(key);
  const least = Math.max(Math.min(context.segmentBytes, preferredBytes), size === undefined ? 0 : Math.ceil(size / mostSegments));
  const bytesOf = (index: number): number => Math.min(fileBytes, size === undefined ? least * 2 ** Math.floor(index / segmentsOfOneSize) : least);
  // The name of the object may leave no room for more, so its digest stands for it.
  const home = `.syncline/${createHash('sha256').update(`${context.container}/${name}`).digest('hex').slice(0, 32)}/`;
  const token = version === undefined ? String(context.host.random()) : JSON.stringify([version, size, least]);
  return { home, folder: `${home}${createHash('sha256').update(token).digest('hex').slice(0, 16)}/`, bytesOf };
}

async function segmentsIn(context: SwiftContext, start: string, signal: AbortSignal | undefined): Promise<ReadonlyMap<string, Row>> {
  const { client, segmentContainer: container } = context;
  const rows = new Map<string, Row>();
  const about = { ...context.about('list segments of'), doing: 'list the segments kept for' };
  for await (const page of listRange({ start, exact: false }, { client, container, about, signal })) for (const row of page ?? []) rows.set(row.name, row);
  return rows;
}

async function putManifest(context: SwiftContext, key: Key, segments: readonly Segment[], { headers, signal }: LargeOptions): Promise<boolean> {
  const about = context.about('write', key);
  const manifest = Buffer.from(JSON.stringify(segments.map(({ path, etag, bytes }) => ({ path, etag, size_bytes: bytes }))));
  for (let attempts = 1; ; attempts++) {
    const answer = await context.client.request({ method: 'PUT', path: context.pathOf(key), query: 'multipart-manifest=put', headers, body: () => manifest, wanted: [201, 202, 400, 404, 412], about, signal });
    if (answer.status === 400) {
      const failure = statusFailure(answer, about, context.host.now());
      // A segment that is not there any more is sent again.
      throw /404 Not Found|Etag Mismatch|Size Mismatch/i.test(answer.body.toString()) ? new SyncError('unavailable', failure.sentence, { ...failure.details, hint: 'run again' }) : failure;
    }
    if (answer.status === 412) return answer.attempts > 1 && (await context.look(key, signal))?.etag === largeVersion(segments);
    if (answer.status !== 404) {
      if (unquoted(answer.headers['etag'] ?? '') === largeVersion(segments)) return true;
      throw new SyncError('unavailable', `cannot write ${about.place}: the server made something else of its segments`, { ...about.details, hint: 'run again' });
    }
    if (attempts === 2) throw context.missing();
    await context.supply(context.container, signal);
  }
}

/** The paths of the segments that an object is made of now and that are kept for it alone: those we made, and those of programs that name theirs after the object. */
export async function segmentsOf(context: SwiftContext, key: Key, facts: ObjectFacts, signal: AbortSignal | undefined): Promise<readonly string[]> {
  const manifest = await manifestOf(context, key, facts, signal);
  const own = [`/${context.segmentContainer}/${uploadOf(context, { key }, { mostSegments: 1, fileBytes: 1, headers: {}, signal }).home}`, `/${context.container}_segments/${context.nameOf(key)}/`];
  return (manifest?.rows ?? []).map(({ name }) => name).filter((name) => own.some((start) => name.startsWith(start)));
}

/** Removes the segments of what was replaced, but those that are still in use. What cannot be removed is left, and said. */
export async function removeSegments(context: SwiftContext, key: Key, paths: readonly string[], used: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const kept = new Set(used);
  const targets = paths.filter((path) => !kept.has(path)).map((path) => {
    const slash = path.indexOf('/', 1);
    return { container: path.slice(1, slash), name: path.slice(slash + 1) };
  });
  if (targets.length === 0) return;
  const failed = (await deleteNames(context, targets, signal)).filter((error) => error !== undefined);
  if (failed[0]) context.host.log('warn', `${failed.length} old segments of ${context.name}/${key} are left: ${failed[0].message}`);
}

/** Removes what uploads of the same object left that nobody went on with. */
async function removeForgotten(context: SwiftContext, { home, folder }: Upload, there: ReadonlyMap<string, Row>, signal: AbortSignal | undefined): Promise<void> {
  const uploads = new Map<string, Row[]>();
  for (const row of there.values()) {
    const upload = row.name.slice(0, row.name.indexOf('/', home.length) + 1);
    if (upload !== folder) uploads.set(upload, [...(uploads.get(upload) ?? []), row]);
  }
  const isForgotten = (rows: readonly Row[]): boolean => rows.every(({ modifiedAt }) => modifiedAt !== undefined && modifiedAt / 1000 < context.host.now() - forgottenMs);
  const targets = [...uploads.values()].filter(isForgotten).flat().map(({ name }) => ({ container: context.segmentContainer, name }));
  if (targets.length > 0) await deleteNames(context, targets, signal);
}
