import { waitMs } from '../../lib/backoff.ts';
import type { HttpHeaders } from '../../lib/http/client.ts';
import { HttpFailure } from '../../lib/http/http-failure.ts';
import { retryAfterMs } from '../../lib/http/retry-after.ts';
import { atOrigin, parseUrl, printableUrl } from '../../lib/http/url.ts';
import { limits } from '../../lib/limits.ts';
import type { Access } from '../../lib/openstack/identity.ts';
import type { LoginSession } from '../../lib/openstack/login-session.ts';
import type { Incoming, Transfer } from '../../lib/openstack/transfer.ts';
import { whole } from '../../lib/openstack/transfer.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { About, SwiftAnswer } from './failure.ts';
import { statusFailure, toSwiftError } from './failure.ts';
import type { Ability } from './info.ts';
import { abilityOf } from './info.ts';

/** One request to the object store. */
export interface SwiftRequest {
  /** Default: GET. */
  readonly method?: string;
  /** Below the account: `/container/name`, encoded. Absent: the account. */
  readonly path?: string;
  /** Without the question mark. */
  readonly query?: string;
  readonly headers?: HttpHeaders;
  /** Called for every attempt, so that a stream can begin anew. */
  readonly body?: () => Uint8Array | AsyncIterable<Uint8Array>;
  /** The statuses that are answers; all others throw. */
  readonly wanted: readonly number[];
  readonly about: About;
  readonly signal: AbortSignal | undefined;
  /** Set where the body cannot be made a second time: then what passes by itself is thrown at once, as an error that may be tried again. */
  readonly once?: boolean;
}

/** An answer that has begun. Its body must be read to the end or given up. */
export interface SwiftIncoming extends Incoming {
  readonly attempts: number;
}

export interface SwiftClientOptions {
  readonly transfer: Transfer;
  readonly session: LoginSession;
  readonly host: Host;
  readonly maxAttempts: number;
}

const backoff = { attempts: 0, firstMs: 200, mostMs: 30_000 };
const mostRetryAfterMs = 5 * 60_000;
/** What passes by itself. 498 is Swift's own word for too many requests. */
const passing = new Set([408, 422, 429, 498, 500, 502, 503, 504]);

/**
 * Sends requests to one account: with a token that is renewed when it is refused, and again, patiently, when connections
 * or servers fail. Every request it is given must be safe to send twice.
 */
export class SwiftClient {
  readonly #options: SwiftClientOptions;
  #ability: Promise<Ability> | undefined;

  constructor(options: SwiftClientOptions) {
    this.#options = options;
  }

  /** Sends a request and waits for its whole answer. Throws a {@link SyncError} or an `AbortError`. */
  async request(request: SwiftRequest): Promise<SwiftAnswer> {
    return this.#patiently(request, async (incoming, attempts) => ({ status: incoming.status, headers: incoming.headers, body: await whole(incoming, limits.documentBytes), attempts }));
  }

  /** Sends a request and hands out its answer once it has begun. What breaks later is the caller's. */
  async open(request: SwiftRequest): Promise<SwiftIncoming> {
    return this.#patiently(request, async ({ status, headers, body }, attempts) => ({ status, headers, body, attempts }));
  }

  /** What this server offers beyond the least. */
  ability(signal: AbortSignal | undefined): Promise<Ability> {
    const asking = this.#ability ??= this.#askAbility(signal);
    asking.catch(() => { if (this.#ability === asking) this.#ability = undefined; });
    return asking;
  }

  /** Where the account is, without what is secret. */
  async place(): Promise<string> {
    return printableUrl((await this.#options.session.access()).storageUrl);
  }

  async #patiently<Answer>(request: SwiftRequest, take: (incoming: Incoming, attempts: number) => Promise<Answer>): Promise<Answer> {
    const { host, session, maxAttempts } = this.#options;
    const { about, signal, wanted, once = false } = request;
    let refused: Access | undefined;
    for (let attempt = 1; ;) {
      let afterMs = 0;
      let failure: SyncError;
      try {
        const access = await (refused === undefined ? session.access() : session.renewed(refused));
        const incoming = await this.#send(request, access);
        if (wanted.includes(incoming.status)) return await take(incoming, attempt);
        const answer: SwiftAnswer = { status: incoming.status, headers: incoming.headers, body: await whole(incoming, limits.documentBytes), attempts: attempt };
        failure = statusFailure(answer, about, host.now());
        // A token is refused once; a new one that is refused as well is the server's last word.
        if (answer.status === 401 && refused === undefined) {
          refused = access;
          if (!once) continue;
          await session.renewed(refused);
          throw new SyncError('unavailable', `cannot ${about.doing} ${about.place}: the token ran out meanwhile`, { ...about.details, hint: 'run again' });
        }
        if (!passing.has(answer.status)) throw failure;
        afterMs = Math.min(mostRetryAfterMs, retryAfterMs(answer.headers['retry-after'], host.now()) ?? 0);
      } catch (error) {
        signal?.throwIfAborted();
        if (!isPassing(error)) throw toSwiftError(error, about, attempt);
        failure = toSwiftError(error, about, attempt);
      }
      if (once || attempt >= maxAttempts) throw failure;
      const inMs = waitMs(attempt, backoff, host.random(), afterMs);
      attempt++;
      host.log('info', `${failure.message}; attempt ${attempt} in ${Math.ceil(inMs)} ms`);
      await host.sleep(inMs, signal);
    }
  }

  /** A server that could not be asked is asked again the next time. */
  #later(): Ability {
    this.#ability = undefined;
    return abilityOf(undefined);
  }

  #send({ method = 'GET', path = '', query, headers = {}, body, signal }: SwiftRequest, { token, storageUrl }: Access): Promise<Incoming> {
    const base = parseUrl(storageUrl);
    if (!base) throw new SyncError('invalid', 'the address of the object store is not an http or https address', { hint: 'check the service catalogue, or OS_STORAGE_URL' });
    const url = atOrigin(base.origin, `${base.path.replace(/\/+$/, '')}${path}${query === undefined ? '' : `?${query}`}`);
    const sent = body?.();
    return this.#options.transfer.send({
      method, url, signal, body: sent,
      headers: { 'user-agent': 'syncline', ...headers, 'x-auth-token': token, ...(sent instanceof Uint8Array && { 'content-length': String(sent.length) }) },
    });
  }

  async #askAbility(signal: AbortSignal | undefined): Promise<Ability> {
    const { storageUrl } = await this.#options.session.access();
    const base = parseUrl(storageUrl);
    const prefix = /^(.*?)\/v1(?:\/|$)/.exec(base?.path ?? '')?.[1];
    if (!base || prefix === undefined) return abilityOf(undefined);
    try {
      const incoming = await this.#options.transfer.send({ method: 'GET', url: atOrigin(base.origin, `${prefix}/info`), headers: { 'user-agent': 'syncline' }, body: undefined, signal });
      const body = await whole(incoming, limits.documentBytes);
      return abilityOf(incoming.status === 200 ? (JSON.parse(body.toString()) as unknown) : undefined);
    } catch (error) {
      signal?.throwIfAborted();
      // A server that does not say can still do the least.
      if (error instanceof SyntaxError || error instanceof RangeError) return abilityOf(undefined);
      if (error instanceof HttpFailure) return this.#later();
      throw error;
    }
  }
}

/** Whether the same request may well succeed a little later. */
function isPassing(error: unknown): boolean {
  if (error instanceof HttpFailure) return error.kind === 'unreachable' || error.kind === 'broken' || error.kind === 'timeout';
  return false;
}

/** A container, or a name in one, as a path below the account. Slashes and dots stay as they are. */
export function pathOf(container: string, name?: string): string {
  return name === undefined ? `/${encodeURIComponent(container)}` : `/${encodeURIComponent(container)}/${encodePath(name)}`;
}

function encodePath(name: string): string {
  return /^[\w\-./~]*$/.test(name) ? name : name.split('/').map(encodeURIComponent).join('/');
}
