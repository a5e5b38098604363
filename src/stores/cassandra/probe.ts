import { connect } from 'node:net';
import { SyncError } from '../../model/errors.ts';
import { wasCut } from '../records/connecting.ts';

/** How long it may take to be connected, and to be answered: the driver would wait for much longer, and for each host in turn. */
const [connectMs, answerMs] = [5_000, 8_000];
/** Asks for what a server supports, in version 4 of the protocol. */
const question = Buffer.from([4, 0, 0, 0, 5, 0, 0, 0, 0]);

/** How long the others are waited for once one has answered. */
const graceMs = 100;

/**
 * Those of some hosts that are of Cassandra, for which the driver need not wait; it finds the others of their cluster by itself. Fails with a
 * sentence, and soon, where none is: a port that is wrong is the usual mistake; a connection that was cut is its cause, where there
 * was one. Looks no further than at the first byte of an answer. Not for servers that want TLS from the first byte on.
 */
export async function probe(contactPoints: readonly string[], timeoutMs: number, about: { readonly what: string; readonly store: string }): Promise<readonly string[]> {
  const answering: string[] = [];
  const { promise: some, resolve } = Promise.withResolvers<void>();
  const all = Promise.all(contactPoints.map(async (host) => {
    const flaw = await flawOf(host, timeoutMs);
    if (flaw === undefined && answering.push(host) === 1) setTimeout(resolve, graceMs);
    return flaw;
  }));
  await Promise.race([all, some]);
  if (answering.length > 0) return answering;
  const flaws = (await all).flatMap((flaw) => flaw ?? []);
  const cut = flaws.find(({ cause }) => wasCut(cause))?.cause;
  throw new SyncError('unavailable', `cannot ${about.what}: ${flaws.map(({ said }) => said).join(', ')}`, { ...(cut && { cause: cut }), store: about.store, hint: 'check host and port (9042, unless the servers are told otherwise), whether the servers are up, and whether they want TLS (option tls)' });
}

/** Why a host does not seem to be one of Cassandra. */
interface Flaw {
  readonly said: string;
  readonly cause?: Error;
}

/** Connects to a host and asks it for an answer; `undefined` where it seems to be one of Cassandra. */
function flawOf(host: string, timeoutMs: number): Promise<Flaw | undefined> {
  return new Promise((resolve) => {
    const colon = host.lastIndexOf(':');
    const socket = connect(Number(host.slice(colon + 1)), host.slice(0, colon).replace(/^\[|\]$/g, ''), () => {
      wait(answerMs);
      socket.write(question);
    });
    let timer: NodeJS.Timeout | undefined;
    const end = (said: string | undefined, cause?: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(said === undefined ? undefined : { said, ...(cause && { cause }) });
    };
    const wait = (ms: number): void => {
      clearTimeout(timer);
      const most = Math.min(ms, timeoutMs);
      timer = setTimeout(() => end(`${host} does not answer within ${most} ms`, cutBy('ETIMEDOUT')), most);
    };
    wait(connectMs);
    // An answer begins with the version of the protocol and a bit that says that it is one.
    socket.once('data', ([first = 0]: Buffer) => end(first > 0x80 && first < 0x90 ? undefined : `what answers at ${host} is no Cassandra`));
    socket.once('close', () => end(`${host} ends the connection without an answer`, cutBy('ECONNRESET')));
    // Of a name with several addresses the error has no sentence.
    socket.once('error', (cause: NodeJS.ErrnoException) => end(`${host} does not answer (${cause.message || String(cause.code)})`, cause));
  });
}

/** What the platform would say of it. */
function cutBy(code: string): Error {
  return Object.assign(new Error(code), { code });
}
