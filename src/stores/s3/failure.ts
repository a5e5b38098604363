import { HttpFailure } from '../../lib/http/http-failure.ts';
import type { HttpHeaders } from '../../lib/http/client.ts';
import { textOf } from '../../lib/aws/xml.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import type { FailureCode, SyncErrorDetails } from '../../model/errors.ts';

/** An answer of the service that says no. */
export interface Refusal {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: Uint8Array;
}

/** What was tried when something failed. */
export interface Attempted {
  /** As in `cannot write s3://bucket/key`. */
  readonly verb: string;
  /** Fit to print. */
  readonly place: string;
  readonly bucket: string;
  readonly details?: SyncErrorDetails;
}

/** What S3 calls the failure, as in `NoSuchKey`; else empty. */
export function codeOf({ body }: Pick<Refusal, 'body'>): string {
  return body.length === 0 ? '' : textOf(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString(), 'Code') ?? '';
}

type Words = readonly [code: FailureCode, why: string, hint?: string];

const words: { readonly [code: string]: (bucket: string) => Words } = {
  AccessDenied: () => ['denied', 'access is denied', 'ask for permission, or use other credentials'],
  AllAccessDisabled: (bucket) => ['denied', `all access to ${bucket} is disabled`],
  AccountProblem: () => ['denied', 'there is a problem with the account'],
  InvalidAccessKeyId: () => ['denied', 'the access key is unknown there', 'check AWS_ACCESS_KEY_ID, or the profile, and the endpoint'],
  XAdminUserNotFound: () => ['denied', 'the access key is unknown there', 'check AWS_ACCESS_KEY_ID, or the profile, and the endpoint'],
  SignatureDoesNotMatch: () => ['denied', 'the secret key does not fit the access key', 'check AWS_SECRET_ACCESS_KEY, or the profile'],
  ExpiredToken: () => ['denied', 'the credentials have expired', 'get new ones, as by aws sso login'],
  TokenRefreshRequired: () => ['denied', 'the credentials have expired', 'get new ones, as by aws sso login'],
  InvalidToken: () => ['denied', 'the session token is not valid', 'get new credentials, or unset AWS_SESSION_TOKEN'],
  RequestTimeTooSkewed: () => ['denied', 'the clock of this machine and that of the service differ too much', 'set the clock'],
  NoSuchBucket: (bucket) => ['not-found', `the bucket ${bucket} does not exist`, 'create it, or allow that with the option create'],
  InvalidBucketName: (bucket) => ['invalid', `${bucket} cannot be the name of a bucket`, 'use 3 to 63 lower-case letters, digits, dots and hyphens'],
  BucketAlreadyExists: (bucket) => ['denied', `the bucket ${bucket} belongs to somebody else`, 'choose another name'],
  TooManyBuckets: () => ['denied', 'there may be no more buckets'],
  KeyTooLongError: () => ['invalid', 'the name is too long for the service', 'shorten it'],
  KeyTooLong: () => ['invalid', 'the name is too long for the service', 'shorten it'],
  MetadataTooLarge: () => ['invalid', 'the metadata are too large'],
  EntityTooLarge: () => ['invalid', 'it is too large for the service'],
  EntityTooSmall: () => ['invalid', 'a part is too small for the service', 'set a larger part size'],
  BadDigest: () => ['unavailable', 'what arrived is not what was sent'],
  InvalidDigest: () => ['unavailable', 'what arrived is not what was sent'],
  XAmzContentSHA256Mismatch: () => ['unavailable', 'what arrived is not what was sent'],
  XAmzContentChecksumMismatch: () => ['unavailable', 'what arrived is not what was sent'],
  ObjectParentIsFile: () => ['conflict', 'the service keeps objects as files, and a part of the name is an object already', 'rename one of them'],
  ExistingObjectIsDirectory: () => ['conflict', 'the service keeps objects as files, and the name is that of a directory', 'rename one of them'],
  ObjectExistsAsDirectory: () => ['conflict', 'the service keeps objects as files, and the name is that of a directory', 'rename one of them'],
  QuotaExceeded: () => ['denied', 'the quota is used up', 'make room, or ask for more'],
  InvalidObjectState: () => ['unsupported', 'the object is archived', 'restore it first'],
  ObjectLocked: () => ['denied', 'the object is locked'],
  NotImplemented: () => ['unsupported', 'the service cannot do that'],
  InvalidStorageClass: () => ['invalid', 'the service does not know that storage class', 'choose another storage class'],
  PermanentRedirect: (bucket) => ['invalid', `the bucket ${bucket} is at another endpoint or in another region`, 'set the region of the bucket'],
  AuthorizationHeaderMalformed: () => ['invalid', 'the region is not the one of the service', 'set the region'],
  IllegalLocationConstraintException: () => ['invalid', 'the region is not the one of the bucket', 'set the region of the bucket'],
};

/** A refusal as an error with a sentence. */
export function refusalError(refusal: Refusal, { verb, place, bucket, details }: Attempted, attempts?: number): SyncError {
  const code = codeOf(refusal);
  const known = Object.hasOwn(words, code) ? words[code]?.(bucket) : undefined;
  const [failure, why, hint] = known ?? byStatus(refusal, code);
  return new SyncError(failure, `cannot ${verb} ${place}: ${why}`, { ...details, ...(hint !== undefined && { hint }), ...(attempts !== undefined && { attempts }) });
}

function byStatus({ status, body }: Refusal, code: string): Words {
  const message = body.length === 0 ? undefined : textOf(Buffer.from(body).toString(), 'Message');
  const said = `the service answered ${status}${code === '' ? '' : ` ${code}`}${message === undefined ? '' : `, ${JSON.stringify(message.slice(0, 200))}`}`;
  if (status === 401 || status === 403) return ['denied', code === '' ? 'access is denied' : said, 'check the credentials and the permissions'];
  if (status === 404) return ['not-found', said, 'check bucket and endpoint'];
  if (status === 409) return ['conflict', said];
  if (status === 429 || code === 'SlowDown') return ['throttled', 'the service asks to slow down', 'try again later, or lower the concurrency'];
  if (status === 501) return ['unsupported', said];
  if (status === 507) return ['denied', 'the service has no room left', 'make room'];
  if (status >= 500) return ['unavailable', said, 'try again later'];
  if (status >= 300 && status < 400) return ['invalid', 'the service is at another address', 'set endpoint and region'];
  return ['invalid', said];
}

/** Whatever was thrown on the way as an error with a sentence. */
export function wireError(cause: unknown, { verb, place, details }: Attempted, attempts?: number): SyncError {
  if (!(cause instanceof HttpFailure)) return toSyncError(cause, details);
  const hint = cause.kind === 'unknown-host' || cause.kind === 'unreachable' ? 'check the endpoint and the network' : cause.kind === 'tls' ? 'check the endpoint and its certificate' : 'try again';
  const code: FailureCode = cause.kind === 'undecodable' || cause.kind === 'too-large' ? 'corrupt' : 'unavailable';
  return new SyncError(code, `cannot ${verb} ${place}: ${cause.message}`, { ...details, cause, hint, ...(attempts !== undefined && { attempts }) });
}
