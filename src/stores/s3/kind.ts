import { CredentialSource, plainCredentials } from '../../lib/aws/credentials.ts';
import { addressOf } from '../../lib/aws/endpoint.ts';
import { readProfile } from '../../lib/aws/profile.ts';
import type { Profile } from '../../lib/aws/profile.ts';
import { sdkCredentials } from '../../lib/aws/sdk-credentials.ts';
import type { AwsCredentials } from '../../lib/aws/sign.ts';
import { SyncError } from '../../model/errors.ts';
import type { Facts } from '../../model/facts.ts';
import type { Host } from '../../model/host.ts';
import type { Keeping, KeepingRules } from '../../model/keeping.ts';
import type { StoreKind } from '../../model/kind.ts';
import { Tags } from './bucket.ts';
import type { Bucket } from './bucket.ts';
import { S3Client } from './client.ts';
import { Copier } from './copier.ts';
import { Creation } from './creation.ts';
import { Fields } from './fields.ts';
import { Probe } from './probe.ts';
import { s3Capabilities, S3Store } from './s3-store.ts';
import { S3Writer } from './writer.ts';

export interface S3Options {
  /** Where the service answers. Absent: as the environment and the profile say, else Amazon. */
  readonly endpoint?: string;
  readonly region?: string;
  readonly profile?: string;
  readonly style?: 'auto' | 'path' | 'virtual';
  /** Requests are not signed. */
  readonly anonymous?: boolean;
  /** A bucket that does not exist is empty when it is read, and created when it is written. */
  readonly create?: boolean;
  /** Whether the service lists keys in order; some kinds of bucket do not. */
  readonly order?: 'key' | 'none';
  /** The most requests at once. */
  readonly concurrency?: number;
  readonly maxAttempts?: number;
  /** Seconds without an answer, or between two bits of one. */
  readonly timeout?: number;
  /** Bytes of uploads held in memory at once. */
  readonly memory?: number;
  readonly partSize?: number;
  /** Bytes from which on content is uploaded in parts. */
  readonly multipartFrom?: number;
  readonly storageClass?: string;
  readonly encryption?: string;
  readonly encryptionKey?: string;
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly acl?: string;
  /** How objects are kept, by their keys; goes before the options above. */
  readonly keeping?: KeepingRules | undefined;
  /** Where to remember what was found out, by the identity of the bucket. */
  readonly facts?: ((identity: string) => Facts) | undefined;
}

const mebibyte = 1024 * 1024;
const leastPartBytes = 5 * mebibyte;
const mostPartBytes = 64 * mebibyte;

/** Amazon S3, or anything that speaks its language. */
export const kind: StoreKind<S3Options> = {
  name: 's3',
  summary: 'a bucket at Amazon S3 or a compatible service',
  endpoint: 's3://bucket/prefix',
  options: [
    { name: 'endpoint', summary: 'where the service answers, as in https://host:port', value: 'text' },
    { name: 'region', summary: 'the region of the bucket', value: 'text' },
    { name: 'profile', summary: 'the profile in ~/.aws whose settings and credentials are used', value: 'text' },
    { name: 'style', summary: 'whether the bucket is part of the path or of the host name', value: 'choice', choices: ['auto', 'path', 'virtual'], default: 'auto' },
    { name: 'anonymous', summary: 'sign nothing, for public buckets', value: 'flag' },
    { name: 'create', summary: 'create the bucket if it does not exist', value: 'flag' },
    { name: 'order', summary: 'whether the service lists keys in order', value: 'choice', choices: ['key', 'none'], default: 'key' },
    { name: 'concurrency', summary: 'the most requests at once; how many are sent is found out', value: 'number', default: 64 },
    { name: 'maxAttempts', summary: 'how often a request is tried', value: 'number', default: 6 },
    { name: 'timeout', summary: 'seconds to wait for an answer', value: 'number', default: 60 },
    { name: 'memory', summary: 'bytes of uploads held in memory at once', value: 'number', default: 32 * mebibyte },
    { name: 'partSize', summary: 'bytes of one part of a large object', value: 'number', default: 8 * mebibyte },
    { name: 'multipartFrom', summary: 'bytes from which on objects are uploaded in parts', value: 'number', default: 16 * mebibyte },
    { name: 'storageClass', summary: 'the storage class of what is written, as in STANDARD_IA', value: 'text' },
    { name: 'encryption', summary: 'how the service encrypts what is written: AES256, aws:kms', value: 'text' },
    { name: 'encryptionKey', summary: 'the key for aws:kms, by its id', value: 'text' },
    { name: 'contentType', summary: 'the content type of what is written; else by extension', value: 'text' },
    { name: 'cacheControl', summary: 'the Cache-Control of what is written', value: 'text' },
    { name: 'acl', summary: 'a canned ACL for what is written, as in public-read', value: 'text' },
  ],
  capabilities: s3Capabilities,
  async open(endpoint, options, host) {
    const { bucket: name, prefix } = partsOf(endpoint);
    const { memory: heldBytes = 32 * mebibyte, partSize = 8 * mebibyte, multipartFrom = 16 * mebibyte, concurrency = 64, maxAttempts = 6, timeout = 60, style = 'auto', order = 'key', create = false } = options;
    if (partSize < leastPartBytes || partSize > mostPartBytes) throw new SyncError('invalid', `a part size of ${partSize} bytes is not possible`, { hint: `use ${leastPartBytes} to ${mostPartBytes}` });
    if (multipartFrom < 1 || multipartFrom > mostPartBytes) throw new SyncError('invalid', `objects cannot be uploaded in parts from ${multipartFrom} bytes on`, { hint: `use 1 to ${mostPartBytes}` });
    if (concurrency < 1 || maxAttempts < 1 || timeout < 1) throw new SyncError('invalid', 'concurrency, attempts and time-out of a bucket are at least 1', { hint: 'use a larger number' });
    const profile = readProfile(host.environment, options.profile);
    if (options.profile !== undefined && !profile.known) throw new SyncError('invalid', `there is no profile ${options.profile}`, { hint: 'check ~/.aws/config and ~/.aws/credentials' });
    const at = endpointOf(options, host, profile);
    const region = options.region ?? host.environment['AWS_REGION'] ?? host.environment['AWS_DEFAULT_REGION'] ?? profile.settings.get('region') ?? 'us-east-1';
    if (!/^[A-Za-z0-9-]+$/.test(region)) throw new SyncError('invalid', `${JSON.stringify(region)} is not a region`, { hint: 'use one such as eu-central-1' });
    const wanted = style !== 'auto' ? style : stylesOf(profile);
    const address = addressOf({ endpoint: at, region, bucket: name, style: wanted });
    if (!address) throw new SyncError('invalid', `${JSON.stringify(at)} is not an http or https address`, { hint: 'write the endpoint as https://host' });
    const credentials = options.anonymous ? undefined : new CredentialSource(() => findCredentials(options.profile, profile, region, host), () => host.now());
    const client = new S3Client({ bucket: name, endpoint: at, region, style: wanted, credentials, concurrency, maxAttempts, timeoutMs: timeout * 1000, host });
    const bucket: Bucket = { name: `s3://${name}${prefix === '' ? '' : `/${prefix.slice(0, -1)}`}`, bucket: name, prefix, client, host, tags: new Tags(!isSealed(options), at === undefined) };
    const place = at === undefined ? 's3.amazonaws.com' : addressOf({ endpoint: at, region, bucket: name, style: 'path' })!.host;
    const probe = new Probe(bucket, at === undefined, options.facts?.(`s3:${place}/${name}`));
    const fields = new Fields(keepingIn(options), options.keeping);
    const writer = new S3Writer(bucket, probe, { concurrency, heldBytes, multipartBytes: multipartFrom, partBytes: partSize, fields });
    // The same profile in the same environment is the same user.
    const service = JSON.stringify(['s3', place, options.profile ?? '', options.anonymous === true]);
    const copier = new Copier(bucket, probe, { service, concurrency, fields, partBytes: partSize });
    return new S3Store({ bucket, copier, service, identity: `s3:${place}/${name}/${prefix}`.replace(/\/$/, ''), probe, writer, creation: create ? new Creation(bucket) : undefined, ordered: order === 'key', concurrency });
  },
};

function partsOf(endpoint: string): { readonly bucket: string; readonly prefix: string } {
  const [, bucket = '', rest = ''] = /^s3:\/\/([^/]*)(?:\/([^]*))?$/i.exec(endpoint) ?? [];
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket)) throw new SyncError('invalid', `${JSON.stringify(endpoint)} names no bucket`, { hint: 'write it as s3://bucket or s3://bucket/prefix' });
  if (!rest.isWellFormed() || rest.includes('\0') || Buffer.byteLength(rest) > 900) throw new SyncError('invalid', `${JSON.stringify(rest)} cannot be a prefix`, { hint: 'choose another one' });
  const prefix = decoded(rest).replace(/\/+$/, '');
  if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(prefix)) throw new SyncError('invalid', `${JSON.stringify(prefix)} cannot be a prefix: it has dots for parts`, { hint: 'name the prefix itself' });
  return { bucket, prefix: prefix === '' ? '' : `${prefix}/` };
}

/** A question mark in a prefix has to be written as `%3F`, because options begin there. */
function decoded(text: string): string {
  return text.replaceAll(/%3f/gi, '?');
}

function endpointOf({ endpoint }: S3Options, { environment }: Host, { settings }: Profile): string | undefined {
  const ignored = environment['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] === 'true';
  const found = endpoint ?? (ignored ? undefined : environment['AWS_ENDPOINT_URL_S3'] ?? environment['AWS_ENDPOINT_URL'] ?? settings.get('s3.endpoint_url') ?? settings.get('endpoint_url'));
  return found === '' ? undefined : found;
}

function keepingIn({ storageClass, encryption, encryptionKey, contentType, cacheControl, acl }: S3Options): Keeping {
  const all = { storageClass, encryption, encryptionKey, contentType, cacheControl, acl };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Whether anything is encrypted with keys that make ETags tell nothing. */
function isSealed(options: S3Options): boolean {
  return [options, ...options.keeping?.all ?? []].some(({ encryption }) => encryption !== undefined && encryption !== '' && encryption !== 'AES256');
}

function stylesOf({ settings }: Profile): 'path' | 'virtual' | undefined {
  const style = settings.get('s3.addressing_style');
  return style === 'path' || style === 'virtual' ? style : undefined;
}

async function findCredentials(named: string | undefined, profile: Profile, region: string, { environment }: Host): Promise<AwsCredentials> {
  const none = (cause?: unknown): SyncError => new SyncError('denied', `there are no credentials for S3${cause instanceof Error ? ` (${cause.message})` : ''}`, { ...(cause !== undefined && { cause }), hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile, or give the option anonymous' });
  const plain = plainCredentials(environment, profile, named !== undefined);
  if (plain) return plain;
  const { AWS_PROFILE: usual } = environment;
  if (usual && !profile.known) throw new SyncError('invalid', `there is no profile ${usual}, which AWS_PROFILE names`, { hint: 'check ~/.aws/config and ~/.aws/credentials' });
  // A profile that is only the default of the files must not keep containers and machines from being asked.
  const chosen = named ?? environment['AWS_PROFILE'] ?? (profile.known ? profile.name : undefined);
  try {
    const found = await sdkCredentials(environment, chosen, region);
    if (found) return found;
  } catch (cause) {
    throw none(cause);
  }
  throw none();
}
