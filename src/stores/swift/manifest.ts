import { createHash } from 'node:crypto';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import type { SwiftContext } from './context.ts';
import type { ObjectFacts } from './object-facts.ts';

/** A segment, as the manifest of a static large object names it. */
export interface ManifestRow {
  /** Container and name, with a slash before each. */
  readonly name: string;
  readonly etag: string;
  readonly bytes: number;
}

/** What a manifest lists. */
export interface Manifest {
  readonly rows: readonly ManifestRow[];
  /** Whether each row is a whole segment, so that the object is its segments one after the other. */
  readonly plain: boolean;
}

/** What the server calls a large object's etag: the MD5 of its segments' etags, one after the other. */
export function largeVersion(segments: readonly Pick<ManifestRow, 'etag'>[]): string {
  return createHash('md5').update(segments.map(({ etag }) => etag).join('')).digest('hex');
}

/**
 * The manifest of a static large object. `undefined`: the object is gone, or is no large one any more. Throws
 * `unavailable` where what arrived is not that of the object with these facts: it was damaged on its way, or the object
 * replaced.
 */
export async function manifestOf(context: SwiftContext, key: Key, { etag, stat: { size } }: ObjectFacts, signal: AbortSignal | undefined): Promise<Manifest | undefined> {
  const about = context.about('read the manifest of', key);
  const { status, headers, body } = await context.client.request({ path: context.pathOf(key), query: 'multipart-manifest=get', wanted: [200, 404], about, signal });
  if (status === 404 || !/true/i.test(headers['x-static-large-object'] ?? '')) return undefined;
  const manifest = parsed(body);
  // The etag of other manifests is made of more than these fields.
  if (manifest && (!manifest.plain || (largeVersion(manifest.rows) === etag && manifest.rows.reduce((sum, { bytes }) => sum + bytes, 0) === size))) return manifest;
  throw new SyncError('unavailable', `cannot ${about.doing} ${about.place}: it is not that of the object that was looked at`, { ...about.details, hint: 'run again' });
}

function parsed(body: Buffer): Manifest | undefined {
  let rows: unknown;
  try {
    rows = JSON.parse(body.toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(rows) || !rows.every((row): row is { readonly [name: string]: unknown } => typeof row === 'object' && row !== null)) return undefined;
  return {
    rows: rows.map(({ name, hash, bytes }) => ({ name: String(name), etag: String(hash), bytes: Number(bytes) })),
    plain: rows.every((row) => row['sub_slo'] !== true && row['range'] === undefined && row['data'] === undefined),
  };
}
