import type { Key } from '../../model/key.ts';
import { SyncError } from '../../model/errors.ts';
import type { ElasticAnswer } from './client.ts';
import { statusFailure } from './failure.ts';
import { encodeNames } from './place.ts';
import type { Place } from './place.ts';

/**
 * Has an index show to searches all that was written into it before. Answers why not, where that is all this user may not do:
 * reading may go on then, but not as if it saw everything. Throws where it fails in any other way.
 */
export async function refresh(place: Place, target: string, { key, signal }: { readonly key?: Key; readonly signal: AbortSignal | undefined }): Promise<ElasticAnswer | SyncError> {
  const about = place.about('refresh', key);
  const answer = await place.client.request({ method: 'POST', path: `/${encodeNames(target)}/_refresh`, wanted: [403], about, signal });
  if (answer.status !== 403) return answer;
  const failure = statusFailure({ status: answer.status, body: answer.raw, attempts: answer.attempts }, about);
  if (failure.code !== 'denied') throw failure;
  return new SyncError('denied', `${failure.message}; so what was written there last may not be seen`, { ...about.details, attempts: answer.attempts, hint: 'let this user refresh the index, which is the privilege maintenance' });
}
