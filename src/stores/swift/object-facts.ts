import type { HttpHeaders } from '../../lib/http/client.ts';
import type { Attributes, Micros, Stat } from '../../model/entry.ts';

/** What the head of an object says of it. */
export interface ObjectFacts {
  readonly stat: Stat;
  readonly attributes?: Attributes;
  readonly mediaType?: string;
  /** As the server gives it, without quotes. */
  readonly etag: string;
  /** `static`: a manifest lists its segments. `dynamic`: it is whatever has a certain prefix. */
  readonly large: 'no' | 'static' | 'dynamic';
  /** Everything else is said of what it points at. */
  readonly isLink: boolean;
}

const md5 = /^[0-9a-f]{32}$/;

/** Reads the header fields of a HEAD or GET. `size`: of the whole, where the answer is only a part of it. */
export function factsOf(headers: HttpHeaders, size: number = Number(headers['content-length'] ?? 0)): ObjectFacts {
  const etag = unquoted(headers['etag'] ?? '');
  const large = isTrue(headers['x-static-large-object']) ? 'static' : headers['x-object-manifest'] !== undefined ? 'dynamic' : 'no';
  const attributes = attributesOf(headers);
  const seconds = headers['x-timestamp'];
  return {
    etag,
    large,
    isLink: headers['content-location'] !== undefined,
    stat: statOf(etag, { size, large: large !== 'no', ...(seconds !== undefined && { modifiedAt: microsOf(seconds) }) }),
    ...(headers['content-type'] !== undefined && { mediaType: headers['content-type'] }),
    ...(attributes && { attributes }),
  };
}

/** The stat of an object by its etag, which is the MD5 of its bytes unless it is a large object. */
export function statOf(etag: string, { size, large, modifiedAt }: { readonly size: number; readonly large: boolean; readonly modifiedAt?: Micros | undefined }): Stat {
  return {
    ...(etag !== '' && { version: etag }),
    ...(!large && md5.test(etag) && { digest: { algorithm: 'md5', value: etag } }),
    size,
    ...(modifiedAt !== undefined && { modifiedAt }),
  };
}

/** Whether deleting or replacing an object leaves segments behind that nobody needs. Those that a link leads to are not its own. */
export function ownsSegments({ large, isLink }: ObjectFacts): boolean {
  return large === 'static' && !isLink;
}

/** An etag without the quotes that large objects have around theirs. */
export function unquoted(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}

/** Attributes as header fields: the time in seconds, as other programs write it, and the mode in octal digits. */
export function attributeHeaders({ modifiedAt, mode, link }: Attributes): HttpHeaders {
  return {
    ...(modifiedAt !== undefined && { 'x-object-meta-mtime': secondsOf(modifiedAt) }),
    ...(mode !== undefined && { 'x-object-meta-mode': mode.toString(8) }),
    ...(link && { 'x-object-meta-symlink': 'true' }),
  };
}

function attributesOf(headers: HttpHeaders): Attributes | undefined {
  const s3cmd = Object.fromEntries((headers['x-object-meta-s3cmd-attrs'] ?? '').split('/').map((field) => field.split(/:(.*)/s, 2)));
  const modifiedAt = microsOf(headers['x-object-meta-mtime'] ?? s3cmd['mtime'] ?? '');
  const mode = headers['x-object-meta-mode'] !== undefined ? Number.parseInt(headers['x-object-meta-mode'], 8) : Number.parseInt(s3cmd['mode'] ?? '', 10);
  const attributes: Attributes = {
    ...(modifiedAt !== undefined && { modifiedAt }),
    ...(!Number.isNaN(mode) && { mode: mode & 0o7777 }),
    ...(isTrue(headers['x-object-meta-symlink']) && { link: true }),
  };
  return Object.keys(attributes).length === 0 ? undefined : attributes;
}

/** Decimal seconds, which a number would round, as microseconds. */
function microsOf(seconds: string): Micros | undefined {
  const [, sign, whole, fraction = ''] = /^(-?)(\d{1,10})(?:\.(\d+))?$/.exec(seconds.trim()) ?? [];
  if (whole === undefined) return undefined;
  const micros = Number(whole) * 1e6 + Number(fraction.slice(0, 6).padEnd(6, '0'));
  return sign === '-' && micros !== 0 ? -micros : micros;
}

function secondsOf(micros: Micros): string {
  const digits = String(Math.abs(micros)).padStart(7, '0');
  const fraction = digits.slice(-6).replace(/0+$/, '');
  return `${micros < 0 ? '-' : ''}${digits.slice(0, -6)}${fraction === '' ? '' : `.${fraction}`}`;
}

function isTrue(text: string | undefined): boolean {
  return text?.toLowerCase() === 'true';
}
