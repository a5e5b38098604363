import { parseUrl } from '../http/url.ts';

/** Where a bucket answers. */
export interface BucketAddress {
  /** Scheme, host and port that requests go to. */
  readonly origin: string;
  /** What the `Host` field says, and what is signed. */
  readonly host: string;
  /** What comes before the escaped key in the path: `/`, or `/bucket/`. */
  readonly base: string;
}

/** How a bucket is found. */
export interface AddressOptions {
  /** Absent: Amazon's own, for the region. */
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly bucket: string;
  /** Absent: virtual hosts at Amazon, paths elsewhere. */
  readonly style: 'path' | 'virtual' | undefined;
}

/** The address of a bucket; `undefined` where the endpoint is no `http` or `https` URL. */
export function addressOf({ endpoint, region, bucket, style }: AddressOptions): BucketAddress | undefined {
  const url = parseUrl(endpoint ?? `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`);
  if (!url) return undefined;
  const { origin } = url;
  const host = origin.slice(origin.indexOf('//') + 2);
  const folder = url.path.replace(/\/+$/, '');
  // A certificate for *.host does not cover names with further dots.
  const virtual = style === 'virtual' || (style === undefined && endpoint === undefined && /^[a-z0-9][a-z0-9-]*$/.test(bucket));
  if (!virtual) return { origin, host, base: `${folder}/${bucket}/` };
  return { origin: origin.replace('//', `//${bucket}.`), host: `${bucket}.${host}`, base: `${folder}/` };
}
