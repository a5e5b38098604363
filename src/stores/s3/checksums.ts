import { hash } from 'node:crypto';
import { crcOf, crcText } from '../../lib/aws/crc32.ts';
import { escapeXml, textOf } from '../../lib/aws/xml.ts';
import { tagOf } from './bucket.ts';
import type { S3Answer, S3Request } from './client.ts';
import { codeOf } from './failure.ts';

/** Header fields, in order, of an upload in parts whose parts and whole are checked by their CRC-32. */
export const crcUpload: readonly (readonly [name: string, value: string])[] = [['x-amz-checksum-algorithm', 'CRC32'], ['x-amz-checksum-type', 'FULL_OBJECT']];

/** What completes an upload: its parts in order, each with its ETag and, where parts are checked by it, its CRC-32. */
export function completionBody(parts: readonly { readonly number: number; readonly tag: string; readonly crc?: number | undefined }[]): Buffer {
  const list = parts.map(({ number, tag, crc }) => `<Part>${crc === undefined ? '' : `<ChecksumCRC32>${crcText(crc)}</ChecksumCRC32>`}<ETag>${escapeXml(`"${tag}"`)}</ETag><PartNumber>${number}</PartNumber></Part>`).join('');
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?><CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list}</CompleteMultipartUpload>`);
}

/**
 * Whether a service checks uploads in parts by their CRC-32, found out on an object of one part: a part and a whole that are
 * not what their CRC says are refused, and what is as announced is stored, under the MD5 of its part.
 */
export async function triesChecksums(ask: (request: S3Request) => Promise<S3Answer>, key: string): Promise<boolean> {
  const begun = await ask({ method: 'POST', key, query: { uploads: '' }, headers: crcUpload.flat() });
  const uploadId = begun.status === 200 ? textOf(begun.body.toString(), 'UploadId') : undefined;
  if (!uploadId) return false;
  const body = Buffer.from('part');
  const [right, wrong] = [crcOf(body), crcOf(Buffer.from('another'))];
  let done = false;
  try {
    const part = (crc: number): Promise<S3Answer> => ask({ method: 'PUT', key, query: { partNumber: '1', uploadId }, headers: ['x-amz-checksum-crc32', crcText(crc)], body, once: true });
    if (!isRefusal(await part(wrong))) return false;
    const { status, headers } = await part(right);
    const tag = tagOf(headers['etag']);
    if (status !== 200 || tag !== hash('md5', body)) return false;
    const complete = (crc: number): Promise<S3Answer> => ask({
      method: 'POST', key, query: { uploadId }, headers: ['content-type', 'application/xml', 'x-amz-checksum-crc32', crcText(crc), 'x-amz-checksum-type', 'FULL_OBJECT'],
      body: completionBody([{ number: 1, tag, crc: right }]), once: true,
    });
    if (!isRefusal(await complete(wrong))) return false;
    const whole = await complete(right);
    return (done = whole.status === 200 && codeOf(whole) === '');
  } finally {
    if (!done) await ask({ method: 'DELETE', key, query: { uploadId } });
    await ask({ method: 'DELETE', key });
  }
}

/** A service may begin to answer before it knows that it will refuse. */
function isRefusal(answer: S3Answer): boolean {
  return (answer.status >= 400 && answer.status < 500 && answer.status !== 429) || (answer.status === 200 && codeOf(answer) !== '');
}
