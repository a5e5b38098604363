import type { Http } from '../http/client.ts';
import type { Access } from './identity.ts';
import { logIn } from './identity.ts';
import type { Settings } from './settings.ts';

/** A token this close to its end is renewed before it is used, or at half its life where that is shorter. */
const marginMs = 60_000;

interface Held extends Access {
  readonly renewAt: number;
}

/** Keeps a way into a cloud open. However many ask at once, one logs in. */
export class LoginSession {
  readonly #settings: () => Promise<Settings>;
  readonly #http: Http;
  readonly #now: () => number;
  #held: Promise<Held> | undefined;

  /** `settings` is asked at every login, so that credentials that were changed meanwhile are used. */
  constructor(settings: () => Promise<Settings>, { http, now }: { readonly http: Http; readonly now: () => number }) {
    this.#settings = settings;
    this.#http = http;
    this.#now = now;
  }

  /** The way in. Rejects as {@link logIn} does; the next call then tries again. */
  async access(): Promise<Access> {
    const held = await (this.#held ?? this.#renew());
    return this.#now() < held.renewAt ? held : this.renewed(held);
  }

  /** A way in that is newer than `refused`, which was not accepted. */
  async renewed(refused: Access): Promise<Access> {
    const before = this.#held;
    const held = await before;
    // Somebody else may have renewed it while we waited, or before we were refused.
    if (this.#held !== before || (held !== undefined && held.token !== refused.token)) return this.#held ?? this.#renew();
    return this.#renew();
  }

  #renew(): Promise<Held> {
    const renewing = this.#login();
    this.#held = renewing;
    renewing.catch(() => { if (this.#held === renewing) this.#held = undefined; });
    return renewing;
  }

  async #login(): Promise<Held> {
    const now = this.#now();
    const access = await logIn(await this.#settings(), this.#http, this.#now);
    const { expiresAt = Infinity } = access;
    return { ...access, renewAt: Math.max(expiresAt - marginMs, now + (expiresAt - now) / 2) };
  }
}
