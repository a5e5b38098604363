import { hash } from 'node:crypto';
import { escapeXml } from '../../lib/aws/xml.ts';

/** One deletion among many. */
export interface Deletion {
  /** The whole name of the object. */
  readonly key: string;
  /** The ETag it must have. */
  readonly tag?: string | undefined;
}

/** What asks for many deletions at once. */
export function deleteBody(deletions: readonly Deletion[]): { readonly body: Buffer; readonly headers: readonly string[] } {
  const list = deletions.map(({ key, tag }) => `<Object><Key>${escapeXml(key)}</Key>${tag === undefined ? '' : `<ETag>&quot;${escapeXml(tag)}&quot;</ETag>`}</Object>`).join('');
  const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list}</Delete>`);
  return { body, headers: ['content-md5', hash('md5', body, 'base64'), 'content-type', 'application/xml'] };
}

/** Whether a key can be said in XML; others are deleted by a request of their own. */
export function isSayable(key: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return !/[\u0000-\u001F\u007F-\u009F\u2028\uFFFE\uFFFF]/.test(key);
}

/** Whether XML has no way at all to say a key, so that a listing is only right about it where names are escaped. */
export function isUnnamable(key: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/.test(key);
}
