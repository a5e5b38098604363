import type { HttpHeaders } from '../../lib/http/client.ts';
import { SyncError } from '../../model/errors.ts';
import type { Outcome, Takeover } from '../../model/store.ts';
import { pathOf } from './client.ts';
import { keepingHeaders, meets, stale } from './container-writer.ts';
import type { SwiftContext } from './context.ts';
import type { SwiftAnswer } from './failure.ts';
import { removeSegments, segmentsOf } from './large.ts';
import { ownsSegments, statOf, unquoted } from './object-facts.ts';

const nothing = new Uint8Array(0);

/** Has the server copy an object that it holds. `undefined`: it has to be read and put, as large objects have to, and whatever the server refuses. */
export async function copyObject(context: SwiftContext, { entry: { key, digest, size = 0 }, from, expect }: Takeover, signal: AbortSignal | undefined): Promise<Outcome | undefined> {
  const slash = from.path.indexOf('/');
  if (from.service !== context.service || digest?.algorithm !== 'md5' || digest.value !== from.version || context.flawOf(key) !== undefined || key.endsWith('/')) return undefined;
  const before = await context.look(key, signal);
  if (expect && !meets(before, expect)) return stale(context, key, before);
  const old = before && ownsSegments(before) ? await segmentsOf(context, key, before, signal) : [];
  const headers: HttpHeaders = {
    'x-copy-from': pathOf(from.path.slice(0, slash), from.path.slice(slash + 1)),
    // The condition is on the source. The checksum keeps a server that does not know how to copy from storing nothing instead.
    'if-match': from.version, 'etag': from.version,
    ...keepingHeaders(context, key),
  };
  const answer = await send(context, key, headers, signal);
  if (answer.status !== 201) return undefined;
  if (unquoted(answer.headers['etag'] ?? '') !== from.version) {
    const { place, details } = context.about('write', key);
    throw new SyncError('corrupt', `${place} was copied, and is stored as something else than its source`, { ...details, hint: 'run again; where it stays so, check the server' });
  }
  await removeSegments(context, key, old, [], signal);
  return { kind: 'done', stat: statOf(from.version, { size, large: false }), ...(expect && { unguarded: true }) };
}

/** A PUT that makes the container if it is missing and that was asked for. */
async function send(context: SwiftContext, key: string, headers: HttpHeaders, signal: AbortSignal | undefined): Promise<SwiftAnswer> {
  for (let attempts = 1; ; attempts++) {
    const answer = await context.client.request({ method: 'PUT', path: context.pathOf(key), headers, body: () => nothing, wanted: [201, 404, 412, 413, 422], about: context.about('write', key), signal });
    if (answer.status !== 404 || attempts === 2) return answer;
    await context.supply(context.container, signal);
  }
}
