import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AnyAuthMethod, ParsedKey } from 'ssh2';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';

export interface CredentialOptions {
  readonly user: string;
  /** The server, for messages. */
  readonly place: string;
  /** The only private key that is tried. Default: those of the agent, and those in the home folder. */
  readonly key?: string | undefined;
  readonly host: Host;
  /** Makes a key of the text of one. */
  readonly parse: (text: string, passphrase?: string) => ParsedKey | Error;
}

const passwordName = 'SYNCLINE_SFTP_PASSWORD';
const passphraseName = 'SYNCLINE_SFTP_PASSPHRASE';

/** Where keys are without being named. */
const usualKeys = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/** What a user has to show to a server: keys of the agent, key files, a password. Nothing is read before its turn. */
export class Credentials {
  readonly #options: CredentialOptions;
  readonly #keys = new Map<string, ParsedKey>();
  /** What was shown, in words. */
  readonly tried: string[] = [];

  constructor(options: CredentialOptions) {
    this.#options = options;
  }

  /** What to show next, one after the other. `offered` says what the server takes at that time. Throws where what was named is of no use. */
  *methods(offered: () => readonly string[]): Generator<AnyAuthMethod> {
    const { user, key, host: { environment } } = this.#options;
    this.tried.length = 0;
    // The answer to this says what else may be tried.
    yield { type: 'none', username: user };
    if (offered().includes('publickey')) {
      const agent = environment['SSH_AUTH_SOCK'];
      if (key === undefined && agent) {
        this.tried.push('the keys of the agent');
        yield { type: 'agent', username: user, agent };
      }
      for (const path of key === undefined ? this.#usual() : [key]) {
        const parsed = this.#key(path, key !== undefined);
        if (!parsed) continue;
        this.tried.push(`the key ${path}`);
        yield { type: 'publickey', username: user, key: parsed };
      }
    }
    const password = environment[passwordName];
    if (password === undefined) return;
    for (const type of ['password', 'keyboard-interactive'] as const) {
      if (!offered().includes(type)) continue;
      this.tried.push(type === 'password' ? 'a password' : 'a password as an answer');
      yield type === 'password'
        ? { type, username: user, password }
        : { type, username: user, prompt: (_name, _instructions, _language, prompts, finish) => { finish(prompts.map(({ echo }) => (echo === true ? '' : password))); } };
    }
  }

  /** That nothing which was shown was taken. */
  refused(): SyncError {
    const { user, place } = this.#options;
    const shown = this.tried.length === 0 ? 'there was no key or password to show' : `${this.tried.join(', ')} did not do`;
    return new SyncError('denied', `${place} does not let ${user} in: ${shown}`, { hint: `add a key to the agent, name one as key, or set ${passwordName}` });
  }

  #usual(): readonly string[] {
    const { environment } = this.#options.host;
    const home = environment['HOME'] ?? environment['USERPROFILE'];
    return home ? usualKeys.map((name) => join(home, '.ssh', name)) : [];
  }

  /** A key, opened. One that was not named and is not there, or is locked, is left out. */
  #key(path: string, isNamed: boolean): ParsedKey | undefined {
    const known = this.#keys.get(path);
    if (known) return known;
    const { host, parse } = this.#options;
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (cause) {
      if (!isNamed) return undefined;
      throw new SyncError('invalid', `the key ${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause, hint: 'name a private key that can be read' });
    }
    const passphrase = host.environment[passphraseName];
    const key = parse(text, passphrase);
    const isLocked = key instanceof Error && passphrase === undefined && /encrypted/i.test(key.message);
    if (key instanceof Error || !key.isPrivateKey()) {
      const why = isLocked ? 'is locked by a passphrase' : passphrase === undefined ? 'is not a private key that can be used' : 'is not a private key that this passphrase opens';
      const hint = isLocked ? `add it to the agent, or set ${passphraseName}` : 'name another key';
      if (isNamed) throw new SyncError('denied', `the key ${path} ${why}`, { hint });
      host.log('info', `the key ${path} ${why}, so it is left out: ${hint}`);
      return undefined;
    }
    this.#keys.set(path, key);
    return key;
  }
}
