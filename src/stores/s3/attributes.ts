import type { HttpHeaders } from '../../lib/http/client.ts';
import type { Attributes } from '../../model/entry.ts';

/** Attributes as metadata of an object, in order: names and values in turn. Times are written as rclone does. */
export function metadataOf({ modifiedAt, mode, link }: Attributes): string[] {
  return [
    ...(mode === undefined ? [] : ['x-amz-meta-mode', mode.toString(8)]),
    ...(modifiedAt === undefined ? [] : ['x-amz-meta-mtime', secondsOf(modifiedAt)]),
    ...(link ? ['x-amz-meta-symlink', 'true'] : []),
  ];
}

/** What the metadata of an object say of the file it was, in our words, in rclone's or in s3cmd's. */
export function attributesOf(headers: HttpHeaders): Attributes | undefined {
  const theirs = new Map(headers['x-amz-meta-s3cmd-attrs']?.split('/').map((pair) => pair.split(':', 2) as [string, string]));
  const modifiedAt = microsOf(headers['x-amz-meta-mtime'] ?? theirs.get('mtime'));
  const octal = headers['x-amz-meta-mode'];
  const mode = octal !== undefined && /^[0-7]{1,7}$/.test(octal) ? Number.parseInt(octal, 8) & 0o7777 : /^\d+$/.test(theirs.get('mode') ?? '') ? Number(theirs.get('mode')) & 0o7777 : undefined;
  const link = headers['x-amz-meta-symlink'] === 'true';
  if (modifiedAt === undefined && mode === undefined && !link) return undefined;
  return { ...(modifiedAt !== undefined && { modifiedAt }), ...(mode !== undefined && { mode }), ...(link && { link }) };
}

function secondsOf(micros: number): string {
  const [whole, rest] = [Math.floor(micros / 1e6), micros - Math.floor(micros / 1e6) * 1e6];
  // Before 1970 the fraction counts from the other side.
  if (whole < 0) return String(micros / 1e6);
  return rest === 0 ? String(whole) : `${whole}.${String(rest).padStart(6, '0').replace(/0+$/, '')}`;
}

function microsOf(text: string | undefined): number | undefined {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d{1,10})(?:\.(\d*))?$/.exec(text ?? '') ?? [];
  if (whole === '') return undefined;
  const micros = Number(whole) * 1e6 + Math.round(Number(`0.${fraction || '0'}`) * 1e6);
  return sign === '' ? micros : -micros;
}
