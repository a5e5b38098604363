import type { AnyAuthMethod, Client, ConnectConfig, ServerHostKeyAlgorithm, SFTPWrapper } from 'ssh2';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { Credentials } from './credentials.ts';
import { Dropped, Refusal } from './failure.ts';
import { hostKeysOf } from './known-hosts.ts';

export interface ConnectionOptions {
  readonly host: Host;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly key?: string | undefined;
  readonly knownHosts?: string | undefined;
  readonly hostKey?: string | undefined;
  /** Milliseconds to wait for the connection, and for any answer while some are outstanding. */
  readonly timeoutMs: number;
  /** Milliseconds between signs of life while nothing else is said; 0: none. */
  readonly keepaliveMs: number;
}

/** What an answer is given to, as the library wants it. */
export type Answer<T> = (error: Error | null | undefined, value?: T) => void;

/** So many signs of life that go unanswered end a connection. */
const keepalivesMissed = 3;

/** The kinds of host keys, the most wanted first. */
const keyTypes: readonly ServerHostKeyAlgorithm[] = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'];

/** One connection to a server, logged in, over which many requests may be under way. Once it ended it stays so, and every request rejects with {@link Dropped}. */
export class Connection {
  readonly #client: Client;
  readonly #sftp: SFTPWrapper;
  readonly #options: ConnectionOptions;
  readonly #pending = new Set<(reason: Error) => void>();
  readonly #closing = new AbortController();
  #answers = 0;
  #watching = false;
  #ended: Dropped | undefined;

  private constructor(client: Client, sftp: SFTPWrapper, options: ConnectionOptions) {
    this.#client = client;
    this.#sftp = sftp;
    this.#options = options;
    let why = 'the connection was lost';
    const note = (error: Error): void => { why = `the connection was lost (${error.message})`; };
    client.on('error', note);
    sftp.on('error', note);
    const end = (): void => this.#end(new Dropped(why));
    sftp.on('close', end);
    sftp.on('end', end);
    client.on('close', end);
  }

  /** Throws `denied` where the server is not the one that is known or lets nobody in, and {@link Dropped} where it cannot be reached. */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const { default: { Client, utils } } = await import('ssh2');
    const client = new Client();
    try {
      const { address, port, user, key, host } = options;
      const place = port === 22 ? address : `${address} at port ${port}`;
      const credentials = new Credentials({ user, place, key, host, parse: (text, passphrase) => utils.parseKey(text, passphrase) });
      await logIn(client, options, credentials);
      return new Connection(client, await openSftp(client, options), options);
    } catch (cause) {
      client.end();
      client.destroy();
      throw cause instanceof SyncError || cause instanceof Dropped || cause instanceof TypeError ? cause : new Dropped(sentenceOf(cause as Error, options));
    }
  }

  get isOpen(): boolean {
    return this.#ended === undefined;
  }

  /** Asks the server for something. Rejects with {@link Refusal} where it says no. */
  ask<T>(send: (sftp: SFTPWrapper, answer: Answer<T>) => void): Promise<T> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise<T>((resolve, reject) => {
      this.#pending.add(reject);
      const answer: Answer<T> = (error, value) => {
        if (!this.#pending.delete(reject)) return;
        this.#answers++;
        if (error) reject(refusal(error));
        else resolve(value as T);
      };
      try {
        send(this.#sftp, answer);
      } catch (cause) {
        answer(cause as Error);
      }
      if (!this.#watching) void this.#watch();
    });
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    const closed = new Promise<void>((resolve) => { this.#client.once('close', () => resolve()); });
    this.#end(new Dropped('the connection was closed'));
    await closed;
  }

  /** Ends a connection over which nothing comes although something should. */
  async #watch(): Promise<void> {
    const { host, timeoutMs } = this.#options;
    this.#watching = true;
    while (this.#pending.size > 0) {
      const before = this.#answers;
      await host.sleep(timeoutMs, this.#closing.signal).catch(() => {});
      if (this.#ended) return;
      if (this.#pending.size > 0 && this.#answers === before) this.#end(new Dropped(`the server did not answer within ${timeoutMs} ms`));
    }
    this.#watching = false;
  }

  #end(reason: Dropped): void {
    if (this.#ended) return;
    this.#ended = reason;
    this.#closing.abort();
    for (const reject of this.#pending) reject(reason);
    this.#pending.clear();
    this.#client.end();
    // A line that is dead takes no goodbye.
    this.#client.destroy();
  }
}

/** What the library hands over when the server says no, or says nothing any more. */
function refusal(error: Error): Error {
  if (error instanceof Refusal || error instanceof Dropped) return error;
  if ('code' in error && typeof error.code === 'number') return new Refusal(error.code, error.message);
  return /extended request/.test(error.message) ? new Refusal(8, error.message) : new Dropped('the connection was lost');
}

/** Resolves once the user is logged in. */
function logIn(client: Client, options: ConnectionOptions, credentials: Credentials): Promise<void> {
  const { host, address, port, user, timeoutMs, keepaliveMs } = options;
  const known = hostKeysOf({ host: address, port, knownHosts: options.knownHosts, hostKey: options.hostKey }, host.environment);
  return new Promise((resolve, reject) => {
    let left: readonly string[] = [];
    let why: Error | undefined;
    const methods = credentials.methods(() => left);
    const fail = (cause: Error): void => {
      why ??= cause;
      client.end();
      client.destroy();
    };
    client.on('error', (error) => {
      // A key or an agent that is of no use is passed over, and the next one tried.
      if (error.level === 'agent') return host.log('info', `the agent cannot be asked for keys: ${error.message}`);
      if (error.level === 'client-authentication') why ??= credentials.refused();
      else why ??= new Dropped(sentenceOf(error, options));
    });
    client.once('close', () => { reject(why ?? new Dropped(`${address} closed the connection`)); });
    client.once('ready', () => {
      // Requests are small, and each is waited for.
      client.setNoDelay(true);
      resolve();
    });
    const config: ConnectConfig = {
      host: address, port, username: user,
      readyTimeout: timeoutMs, keepaliveInterval: keepaliveMs, keepaliveCountMax: keepalivesMissed,
      algorithms: { serverHostKey: [...wantedTypes(known.types)] },
      hostVerifier: (shown: Buffer): boolean => {
        const refused = known.refusal(shown);
        why ??= refused;
        return refused === undefined;
      },
      authHandler: (offered, _partly, next) => {
        left = offered ?? [];
        try {
          const { value, done } = methods.next();
          next(done === true ? (false as unknown as AnyAuthMethod) : value);
        } catch (cause) {
          fail(cause as Error);
        }
      },
    };
    client.connect(config);
  });
}

/** Kinds of keys that are known of a server come first, since one of another kind would look like that of another server. */
function wantedTypes(known: readonly string[]): readonly ServerHostKeyAlgorithm[] {
  const isKnown = (type: string): boolean => known.includes(type.startsWith('rsa-') ? 'ssh-rsa' : type);
  return [...keyTypes.filter(isKnown), ...keyTypes.filter((type) => !isKnown(type))];
}

async function openSftp(client: Client, { host, address, timeoutMs }: ConnectionOptions): Promise<SFTPWrapper> {
  const { promise, resolve, reject } = Promise.withResolvers<SFTPWrapper>();
  const opened = new AbortController();
  host.sleep(timeoutMs, opened.signal).then(() => { reject(new Dropped(`${address} did not open a session within ${timeoutMs} ms`)); }, () => {});
  client.once('close', () => { reject(new Dropped(`${address} closed the connection`)); });
  client.sftp((error, sftp) => {
    if (error) reject(new SyncError('unsupported', `${address} offers no SFTP: ${error.message}`, { cause: error, hint: 'ask whoever runs the server to turn its sftp subsystem on' }));
    else resolve(sftp);
  });
  try {
    return await promise;
  } finally {
    opened.abort();
  }
}

function sentenceOf(error: Error & { readonly code?: string }, { address, port, timeoutMs }: ConnectionOptions): string {
  switch (error.code) {
    case 'ECONNREFUSED': return `nothing listens at port ${port} of ${address}`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN': return `${address} is not a host that can be found`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH': return `there is no way to ${address}`;
    case 'ECONNRESET':
    case 'EPIPE': return `${address} broke the connection off`;
    default: return /timed out/i.test(error.message) || error.code === 'ETIMEDOUT' ? `${address} did not answer within ${timeoutMs} ms` : `${address} could not be talked to (${error.message})`;
  }
}
