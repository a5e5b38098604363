import type { HttpResponse } from '../../lib/http/client.ts';
import type { Document } from '../../model/document.ts';
import type { Digest, Entry, Stat } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { digestDocument } from '../../schema/digest.ts';
import type { Schema } from '../../schema/schema.ts';
import type { Tagged } from './context.ts';
import { etagOf, versionOf } from './context.ts';
import { learnGuards } from './habits.ts';
import type { Sending, Sent } from './sending.ts';
import { signalled } from './sending.ts';

/**
 * The stat of a resource after the server accepted it: as the server says in its answer, where that was seen to be
 * what a GET gives, else as read now. Throws where it is not there after all.
 */
export async function statAfter(sent: Sent, response: HttpResponse, sending: Sending): Promise<Stat> {
  const { habit } = sending;
  const echoed = habit.echoes === false ? undefined : echoOf(sent, response, sending);
  if (echoed !== undefined && habit.echoes === true) {
    learnGuards(habit, etagOf(response.headers));
    return statOfDigest(echoed);
  }
  const found = await readBack(sent.entry, response.status, sending);
  if (found === undefined) return echoed === undefined ? {} : statOfDigest(echoed);
  const { entry: { digest }, etag } = found;
  learnGuards(habit, etag);
  if (digest === undefined) return {};
  if (echoed !== undefined) habit.echoes = echoed.value === digest.value;
  return statOfDigest(digest);
}

/** What is known after a write. */
export function statOfDigest(digest: Digest): Stat {
  return { digest, version: versionOf(digest) };
}

/** Whether a document is a representation of this very resource. */
function isAbout(document: Document, { key, address }: Entry, schema: Schema, url: string): boolean {
  const identity = schema.identify(document, url);
  return !('problem' in identity) && identity.key === key && identity.address === address;
}

/** The resource as it is; `undefined` where this server does not let it be read. */
async function readBack(entry: Entry, status: number, sending: Sending): Promise<Tagged | undefined> {
  const { context: { name, readEntry } } = sending;
  let found: Tagged | undefined;
  try {
    found = await readEntry(entry, signalled(sending));
  } catch (error) {
    if (error instanceof SyncError && error.code !== 'interrupted') return undefined;
    throw error;
  }
  if (found !== undefined) return found;
  throw new SyncError('unavailable', `${name} accepted ${entry.key} (${status}), and does not hold it`, { store: name, key: entry.key, attempts: 1, hint: 'see whether it turns up later, then run it again' });
}

/** The digest of the resource in an answer; `undefined` where the answer holds something else or nothing. */
function echoOf({ entry, body, digest }: Sent, response: HttpResponse, { context: { schema, documentOf } }: Sending): Digest | undefined {
  if (response.body.length === 0) return undefined;
  // Many servers repeat what they were sent, letter by letter, and then there is nothing to parse.
  if (response.body.length === body.length && response.body.toString() === body) return digest;
  try {
    const echoed = documentOf(response);
    return isAbout(echoed, entry, schema, response.url) ? digestDocument(echoed, schema) : undefined;
  } catch (error) {
    // An answer that is no document says nothing of the resource, which was accepted all the same.
    if (error instanceof SyncError) return undefined;
    throw error;
  }
}
