import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { AnswerParser, MalformedAnswer } from './answer-parser.ts';
import type { AnswerTaker } from './answer-parser.ts';
import { aborted, failureOf } from './failure.ts';
import { HttpFailure } from './http-failure.ts';

/** One request as it goes out. */
export interface Outgoing {
  readonly method: string;
  /** Path and query, sent as they are. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** For messages. */
  readonly place: string;
  /** Whether pieces of the body are taken one after the other, so that their memory can be lent. */
  readonly lent: boolean;
}

/** What becomes of an answer, however it ends: exactly one of `end` and `fail` is called, once. */
export interface Taker extends AnswerTaker {
  end(): void;
  fail(error: unknown): void;
}

/** Where a connection leads. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** Host and port, as a request names them. */
  readonly authority: string;
  /** How to connect securely; absent for plain connections. */
  readonly secured?: () => Socket;
  readonly timeoutMs: number;
}

interface Current {
  readonly request: Outgoing;
  readonly taker: Taker;
  readonly parser: AnswerParser;
  answered: boolean;
  sent: boolean;
  /** What the request's own body threw, which matters more than the broken connection it leads to. */
  thrown?: { readonly error: unknown };
}

const plainBytes = 64 * 1024;
const lentBytes = 128 * 1024;
/** A small body is copied behind its head, which costs less than sending two pieces. */
const togetherBytes = 16 * 1024;
/** A body that goes out more slowly than this is taken to be stuck. */
const slowestBytesPerSecond = 16 * 1024;
const unsendableName = /[^!#$%&'*+.^_`|~0-9A-Za-z-]/;
const unsendableValue = /[^\t\x20-\x7e\x80-\xff]/;
const bodilessMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** One connection, which carries one request after the other. */
export class Connection {
  readonly #socket: Socket;
  readonly #target: Target;
  readonly #onFree: (connection: Connection) => void;
  readonly #onClosed: (connection: Connection) => void;
  #own: Buffer | undefined;
  #lent: [Buffer, Buffer] | undefined;
  #turn = 0;
  #current: Current | undefined;
  #paused = false;
  /** For how long the server keeps it. */
  #keptSeconds = Infinity;
  #closed = false;

  /** Begins to connect. `onFree`: it can carry another request; `onClosed`: it never will again. */
  constructor(target: Target, onFree: (connection: Connection) => void, onClosed: (connection: Connection) => void) {
    [this.#target, this.#onFree, this.#onClosed] = [target, onFree, onClosed];
    const { host, port, secured, timeoutMs } = target;
    // What has been decrypted goes on coming when no more is wanted, and would be read into what is lent, or be lost.
    this.#socket = secured ? secured() : connect({ host, port, noDelay: true, onread: { buffer: () => this.#room(), callback: (count, bytes) => this.#take(bytes as Buffer, count) } });
    if (secured) this.#socket.on('data', (bytes: Buffer) => { if (!this.#take(bytes, bytes.length)) this.#socket.pause(); });
    this.#socket.setTimeout(timeoutMs);
    this.#socket.on('timeout', () => this.#timedOut());
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('end', () => this.#ended());
    this.#socket.on('close', () => this.#gone());
  }

  /** Sends a request. The connection must be free. */
  send(request: Outgoing, taker: Taker): void {
    const current: Current = { request, taker, parser: new AnswerParser(this.#noting(taker), request.method === 'HEAD'), answered: false, sent: false };
    this.#current = current;
    const { body } = request;
    const size = body instanceof Uint8Array ? body.length : 0;
    this.#socket.setTimeout(this.#target.timeoutMs + (size / slowestBytesPerSecond) * 1000);
    const head = headOf(request, this.#target.authority);
    const sent = (): void => { current.sent = true; };
    if (!(body instanceof Uint8Array)) {
      this.#socket.write(head, 'latin1', body ? undefined : sent);
      if (body) void this.#pump(body, current);
    } else if (size <= togetherBytes) {
      const together = Buffer.allocUnsafe(head.length + size);
      together.write(head, 'latin1');
      together.set(body, head.length);
      this.#socket.write(together, sent);
    } else {
      this.#socket.cork();
      this.#socket.write(head, 'latin1');
      this.#socket.write(body, sent);
      this.#socket.uncork();
    }
  }

  #noting(taker: Taker): AnswerTaker {
    return {
      head: (status, headers) => {
        this.#current!.answered = true;
        const kept = headers['keep-alive'] === undefined ? undefined : /\btimeout=(\d{1,6})/i.exec(headers['keep-alive'])?.[1];
        if (kept !== undefined) this.#keptSeconds = Number(kept);
        taker.head(status, headers);
      },
      data: (bytes, alone) => taker.data(bytes, alone),
    };
  }

  /** Goes on reading an answer whose taker wanted no more. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Closes. A request under way fails with `reason`. */
  destroy(reason: unknown = aborted()): void {
    this.#fail(reason);
  }

  /** Memory for what is read next. Where pieces are lent, one is filled while the other is looked at. */
  #room(): Buffer {
    if (this.#current?.request.lent !== true || !this.#current.answered) return (this.#own ??= Buffer.allocUnsafeSlow(plainBytes));
    this.#lent ??= [Buffer.allocUnsafeSlow(lentBytes), Buffer.allocUnsafeSlow(lentBytes)];
    this.#turn = 1 - this.#turn;
    return this.#lent[this.#turn]!;
  }

  #take(memory: Buffer, count: number): boolean {
    const current = this.#current;
    if (!current) {
      // Nothing was asked.
      this.#fail(aborted());
      return true;
    }
    try {
      const wanted = current.parser.feed(memory.length === count ? memory : memory.subarray(0, count), memory === this.#lent?.[0] || memory === this.#lent?.[1]);
      if (current.parser.done) this.#finish(current);
      else if (!wanted) this.#paused = true;
      return !this.#paused;
    } catch (error) {
      if (!(error instanceof MalformedAnswer)) throw error;
      this.#fail(current.answered ? error : new HttpFailure('undecodable', current.request.place, `what answers at ${this.#target.authority} does not speak HTTP: ${error.message}`, error));
      return true;
    }
  }

  #finish(current: Current): void {
    this.#forget();
    this.#paused = false;
    const again = current.parser.persistent && current.sent;
    if (!again) this.#close();
    current.taker.end();
    if (again && !this.#closed) this.#onFree(this);
  }

  /** Closes after so long, or when the server said that it would, if nobody asks for anything. Whether it is kept at all. */
  idle(ms: number): boolean {
    const keptMs = Math.min(ms, (this.#keptSeconds - 1) * 1000);
    if (keptMs <= 0) this.#close();
    else this.#socket.setTimeout(keptMs);
    return keptMs > 0;
  }

  async #pump(body: AsyncIterable<Uint8Array>, current: Current): Promise<void> {
    const counted = current.request.headers.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'content-length');
    try {
      for await (const bytes of body) {
        if (this.#current !== current) return;
        if (bytes.length === 0) continue;
        if (!counted) this.#socket.write(`${bytes.length.toString(16)}\r\n`, 'latin1');
        let more = this.#socket.write(bytes);
        if (!counted) more = this.#socket.write('\r\n', 'latin1');
        if (!more) await this.#drained();
      }
      if (this.#current !== current) return;
      if (counted) current.sent = true;
      else this.#socket.write('0\r\n\r\n', 'latin1', () => { current.sent = true; });
    } catch (error) {
      if (this.#current !== current) return;
      current.thrown = { error };
      this.#fail(error as Error);
    }
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        this.#socket.off('drain', go);
        this.#socket.off('close', go);
        resolve();
      };
      this.#socket.on('drain', go);
      this.#socket.on('close', go);
    });
  }

  #timedOut(): void {
    // Nothing can come while nobody reads on.
    if (this.#paused) return void this.#socket.setTimeout(this.#target.timeoutMs);
    const current = this.#current;
    if (!current) return this.#close();
    const { place } = current.request;
    this.#fail(this.#socket.connecting ? new HttpFailure('unreachable', place, `cannot connect to ${this.#target.authority}: no answer in time`) : new HttpFailure('timeout', place, `no answer in time from ${place}`));
  }

  #ended(): void {
    const current = this.#current;
    if (current?.answered && current.parser.open) return this.#finish(current);
    this.#fail(new Error('the connection was closed'));
  }

  #gone(): void {
    this.#fail(new Error('the connection was closed'));
  }

  #fail(error: unknown): void {
    const current = this.#current;
    this.#forget();
    this.#close();
    if (!current) return;
    const { request: { place }, answered, taker, thrown } = current;
    if (thrown) taker.fail(thrown.error);
    else if (error instanceof Error && error.name === 'AbortError') taker.fail(error);
    else taker.fail(failureOf(error as Error, place, answered));
  }

  #forget(): void {
    this.#current = undefined;
    // Whoever it was lent to may still be looking at it.
    this.#lent = undefined;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    this.#onClosed(this);
  }
}

/** The head of a request. Throws where something of it could be taken for the end of it. */
function headOf({ method, path, headers, body, place }: Outgoing, authority: string): string {
  let head = `${method} ${path} HTTP/1.1\r\n`;
  let unsendable = !/^[A-Z]+$/.test(method) || /[^\x21-\x7e\x80-\xff]/.test(path);
  let [counted, addressed] = [false, false];
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i]!, headers[i + 1]!];
    unsendable ||= unsendableName.test(name) || unsendableValue.test(value);
    counted ||= name.length === 14 && name.toLowerCase() === 'content-length';
    addressed ||= name.length === 4 && name.toLowerCase() === 'host';
    head += `${name}: ${value}\r\n`;
  }
  if (unsendable) throw new HttpFailure('invalid-url', place, `a request to ${place} holds characters that cannot be sent`);
  if (!addressed) head += `host: ${authority}\r\n`;
  if (!counted && body instanceof Uint8Array) head += `content-length: ${body.length}\r\n`;
  else if (!counted && body) head += 'transfer-encoding: chunked\r\n';
  else if (!counted && !bodilessMethods.has(method)) head += 'content-length: 0\r\n';
  return `${head}connection: keep-alive\r\n\r\n`;
}
