import { writeJson } from '../../formats/json.ts';
import { writeYaml } from '../../formats/yaml-write.ts';
import { canonicalJson } from '../../lib/canonical-json.ts';
import type { HttpRequest, HttpResponse } from '../../lib/http/client.ts';
import { printableUrl } from '../../lib/http/url.ts';
import type { Document, Value } from '../../model/document.ts';
import type { Content, Digest, Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { CallOptions, Expectation, Write } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import type { RestContext, RestSettings } from './context.ts';
import type { Habit } from './habits.ts';
import { accepted } from './read-value.ts';

/** What every write of one type needs. */
export interface Sending extends CallOptions {
  readonly context: RestContext;
  readonly habit: Habit;
}

/** Sends a request to an address of the server, and says so. */
export async function send(address: string, message: Pick<HttpRequest, 'method' | 'headers' | 'body'>, { context, signal }: Sending): Promise<HttpResponse> {
  const url = context.urlOf(address);
  const response = await context.http.request({ ...message, url, headers: { accept: accepted, ...message.headers }, ...(signal && { signal }) });
  context.host.log('info', `${message.method} ${printableUrl(url)}: ${response.status}`);
  return response;
}

/** A put of a document. */
export type Put = Extract<Write, { kind: 'put' }>;

/** What is sent of an entry. */
export interface Sent {
  readonly entry: Entry;
  readonly document: Document;
  /** Worked out when it is asked for: most answers do without. */
  readonly digest: Digest;
  /** The document as text. */
  readonly body: string;
}

/** The media type of each form that documents are sent in. */
export const mediaTypes: { readonly [format in RestSettings['format']]: string } = { json: 'application/json', yaml: 'application/yaml' };

/** A value as text in the form it is sent in. */
export function textOf(value: Value, format: RestSettings['format']): string {
  return format === 'json' ? writeJson(value) : writeYaml(value);
}

/** What to send of an entry. Throws where it is no document or has no address. */
export function sentOf(entry: Entry & { readonly content: Content }, { name, schema, settings, addressOf }: RestContext): Sent {
  addressOf(entry);
  const { key, content } = entry;
  if (content.kind !== 'document') throw new SyncError('unsupported', `${key} is no document, and ${name} holds documents`, { store: name, key, hint: 'write it to a directory' });
  const { document } = content;
  let digest: Digest | undefined;
  return { entry, document, body: textOf(document, settings.format), get digest() { return digest ??= digestDocument(document, schema); } };
}

/** Whether the server holds what is to be sent. */
export function isSame(found: Entry | undefined, { digest }: Sent): boolean {
  return found?.digest?.value === digest.value;
}

/**
 * Whether what is found is the effect of a write that was expected to find something else: what was sent, perhaps with
 * something added. Links are the server's own affair; every other field that was sent is there as it was sent.
 */
export function isEffectOf(sent: Sent, expect: Expectation | undefined, found: Entry | undefined): boolean {
  if (isSame(found, sent)) return true;
  if (found?.content?.kind !== 'document' || expect === undefined || ('version' in expect && found.version === expect.version)) return false;
  const { document } = found.content;
  return Object.keys(sent.document).every((name) => name === '_links' || (Object.hasOwn(document, name) && canonicalJson(document[name]) === canonicalJson(sent.document[name])));
}

/** The signal of a call, as an option of the next. */
export function signalled({ signal }: CallOptions): CallOptions {
  return signal === undefined ? {} : { signal };
}
