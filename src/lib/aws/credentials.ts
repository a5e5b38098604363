import type { Environment, Profile } from './profile.ts';
import type { AwsCredentials } from './sign.ts';

/** Credentials are taken anew this long before they expire. */
const earlyMs = 5 * 60_000;

/** Finds credentials when asked, and again before they expire. */
export class CredentialSource {
  readonly #find: () => Promise<AwsCredentials>;
  readonly #now: () => number;
  #current: Promise<AwsCredentials> | undefined;
  #held: AwsCredentials | undefined;
  #expiresAt = Infinity;

  constructor(find: () => Promise<AwsCredentials>, now: () => number) {
    this.#find = find;
    this.#now = now;
  }

  /** The credentials in hand, where they hold for a while; asking for these costs nothing. */
  get held(): AwsCredentials | undefined {
    return this.#held !== undefined && this.#now() <= this.#expiresAt - earlyMs ? this.#held : undefined;
  }

  /** The credentials to sign with now. `renew`: those in hand were refused as expired. */
  async get({ renew = false }: { readonly renew?: boolean } = {}): Promise<AwsCredentials> {
    if (renew || this.#current === undefined || this.#now() > this.#expiresAt - earlyMs) {
      this.#expiresAt = Infinity;
      const finding = this.#current = this.#find();
      this.#held = undefined;
      finding.then((found) => { [this.#held, this.#expiresAt] = [found, found.expiresAt ?? Infinity]; }, () => { if (this.#current === finding) this.#current = undefined; });
    }
    return this.#current;
  }
}

/**
 * Credentials as they stand in the environment or, where a profile is named or the environment has none, in the shared
 * files. `undefined` where they have to be fetched from somewhere: from SSO, a role, a container, a machine.
 */
export function plainCredentials(environment: Environment, profile: Profile, named: boolean): AwsCredentials | undefined {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = environment;
  if (!named && id && secret) return toCredentials(id, secret, token);
  const { settings } = profile;
  if (settings.has('role_arn') || settings.has('sso_session') || settings.has('sso_start_url') || settings.has('credential_process')) return undefined;
  const [keyId, key] = [settings.get('aws_access_key_id'), settings.get('aws_secret_access_key')];
  return keyId && key ? toCredentials(keyId, key, settings.get('aws_session_token')) : undefined;
}

function toCredentials(accessKeyId: string, secretAccessKey: string, sessionToken: string | undefined): AwsCredentials {
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}
