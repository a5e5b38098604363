/**
 * Why no usable answer came back. `unknown-host`: there is no such name. `unreachable`: no connection, so nothing was sent. `broken`: the connection ended
 * before the answer did. `undecodable`: the answer is not HTTP, or not in the encoding it claims. `endless`: too many redirects.
 */
export type HttpFailureKind = 'invalid-url' | 'unknown-host' | 'unreachable' | 'tls' | 'timeout' | 'broken' | 'too-large' | 'undecodable' | 'endless';

/** What {@link Http.request} throws when there is no whole answer. Its message names no secrets. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';
  readonly kind: HttpFailureKind;
  /** Where the last request went, fit to print. */
  readonly url: string;
  constructor(kind: HttpFailureKind, url: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.url = url;
  }
}
