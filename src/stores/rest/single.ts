import type { HttpHeaders, HttpResponse } from '../../lib/http/client.ts';
import { HttpFailure } from '../../lib/http/http-failure.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import type { Expectation, Outcome, Write } from '../../model/store.ts';
import { statAfter, statOfDigest } from './echo.ts';
import { statusFailure } from './failure.ts';
import { look } from './look.ts';
import type { Look } from './look.ts';
import type { Put, Sending, Sent } from './sending.ts';
import { isEffectOf, isSame, mediaTypes, send, sentOf, signalled } from './sending.ts';

/**
 * Puts one resource at its own address. `lost`: an earlier attempt may have had its effect, so that finding there what
 * was sent is success.
 */
export async function putOne({ entry, expect }: Put, sending: Sending, lost = false): Promise<Outcome> {
  const { context, habit } = sending;
  const sent = sentOf(entry, context);
  const looked = await look(entry, expect, sending);
  if (looked.kind === 'stale') return lost ? effectOrStale(sent, expect, looked.found) : looked;
  if (looked.before !== undefined && isSame(looked.before, sent)) return { kind: 'done', stat: statOfDigest(sent.digest) };
  const response = await sendUntilAnswered(entry, { method: 'PUT', headers: { ...looked.headers, 'content-type': mediaTypes[context.settings.format] }, body: sent.body }, sending, (found) => isEffectOf(sent, expect, found));
  if ('found' in response) return effectOrStale(sent, expect, response.found);
  if (response.status === 412 && expect !== undefined) {
    const found = (await context.readEntry(entry, signalled(sending)))?.entry;
    return lost || response.attempts > 1 ? effectOrStale(sent, expect, found) : { kind: 'stale', found };
  }
  if (!isSuccess(response)) return { kind: 'failed', error: statusFailure(response, context, 'PUT') };
  const stat = await statAfter(sent, response, sending);
  return { kind: 'done', stat, ...unguarded(expect, looked, habit.guards) };
}

/** Deletes one resource. One that is gone already is deleted. */
export async function deleteOne({ ref, expect }: Extract<Write, { kind: 'delete' }>, sending: Sending): Promise<Outcome> {
  const { context, habit } = sending;
  context.addressOf(ref);
  const looked = await look(ref, expect, sending);
  if (looked.kind === 'stale') return looked;
  const response = await sendUntilAnswered(ref, { method: 'DELETE', headers: looked.headers }, sending, (found) => found === undefined);
  if ('found' in response) return { kind: 'done', stat: {} };
  if (response.status === 412 && expect !== undefined) return { kind: 'stale', found: (await context.readEntry(ref, signalled(sending)))?.entry };
  if (!isSuccess(response) && response.status !== 404 && response.status !== 410) return { kind: 'failed', error: statusFailure(response, context, 'DELETE') };
  return { kind: 'done', stat: {}, ...unguarded(expect, looked, habit.guards) };
}

/** Whether an answer says that what was asked has been done. */
export function isSuccess({ status }: HttpResponse): boolean {
  return status >= 200 && status < 300;
}

interface Message {
  readonly method: 'PUT' | 'DELETE';
  readonly headers: HttpHeaders;
  readonly body?: string;
}

/** Sends a request. Where its answer is lost, looks whether it had its effect, and if so gives what it found instead. */
async function sendUntilAnswered(ref: Ref, message: Message, sending: Sending, isDone: (found: Entry | undefined) => boolean): Promise<HttpResponse | { readonly found: Entry | undefined }> {
  const { context: { addressOf, readEntry } } = sending;
  try {
    return await send(addressOf(ref), message, sending);
  } catch (cause) {
    if (!(cause instanceof HttpFailure) || (cause.kind !== 'broken' && cause.kind !== 'timeout')) throw cause;
    let found: Entry | undefined;
    try {
      found = (await readEntry(ref, signalled(sending)))?.entry;
    } catch {
      throw cause;
    }
    if (!isDone(found)) throw cause;
    return { found };
  }
}

function effectOrStale(sent: Sent, expect: Expectation | undefined, found: Entry | undefined): Outcome {
  return found?.digest !== undefined && isEffectOf(sent, expect, found) ? { kind: 'done', stat: statOfDigest(found.digest) } : { kind: 'stale', found };
}

/** The mark of a write that the server did not make conditional. A creation always carried its condition; whether that was heeded shows later. */
function unguarded(expect: Expectation | undefined, { guarded, headers }: Extract<Look, { kind: 'clear' }>, guards: boolean | undefined): { readonly unguarded?: true } {
  const heeded = guarded || (headers['if-none-match'] !== undefined && guards === true);
  return expect === undefined || heeded ? {} : { unguarded: true };
}
