import { once } from 'node:events';
import { Agent, createServer, request as sendRequest } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { requestKind } from './request-kind.ts';
import type { RequestKind } from './request-kind.ts';

/** A request on its way. */
export interface Passing {
  readonly kind: RequestKind;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Requests of its kind that came before it. */
  readonly nth: number;
  /** Of a listing: which page it asks for, from 1; asking again for a page is not another one. */
  readonly page: number;
}

/** What can befall a request or its answer. */
export type Fault =
  /** The connection breaks: before the server hears of the request, half-way through its body, or when it has done what was asked. */
  | { readonly fault: 'reset'; readonly when: 'before' | 'during' | 'after' }
  /** This answer instead of the server's; `done`: after the server has done what was asked. */
  | { readonly fault: 'status'; readonly status: number; readonly code?: string; readonly done?: true }
  /** The answer's body breaks off; `whole`: and claims to be whole. */
  | { readonly fault: 'cut'; readonly share: number; readonly whole?: true }
  /** One byte of the answer's body, or of the request's, is another one. */
  | { readonly fault: 'spoil'; readonly of: 'answer' | 'request' }
  /** The answer carries this entity tag instead of its own. */
  | { readonly fault: 'tag'; readonly tag: string }
  /** The answer is the one that the same question got when it was first asked; another, where it never was. */
  | { readonly fault: 'stale' }
  | { readonly fault: 'delay'; readonly ms: number };

/** What befalls which request. */
export type Rule = (request: Passing) => Fault | undefined;

/** What went through. */
export interface Traffic {
  readonly requests: { readonly [kind in RequestKind]?: number };
  readonly total: number;
  readonly faults: number;
  /** The most requests that were under way at once. */
  readonly mostInFlight: number;
  /** Bytes of bodies to the server, and from it. */
  readonly sent: number;
  readonly received: number;
}

interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly passing: Passing;
  readonly fault: Fault | undefined;
}

const hop = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade', 'expect']);

/** Stands in front of a server on the same machine, passes on what comes and goes untouched, and breaks what it is told to. */
export class FaultProxy implements AsyncDisposable {
  readonly url: string;
  /** What is to break from now on. */
  rule: Rule = () => undefined;
  /** Called when the server has answered a request, before the answer is passed on. */
  onAnswered: (request: Passing, status: number) => void = () => {};
  /** Called when the head of a request has come. */
  onRequest: (request: Passing) => void = () => {};
  readonly #target: URL;
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  readonly #first = new Map<string, Answer>();
  #remembers = false;
  #pages = new Map<string, number>();
  #requests: { [kind in RequestKind]?: number } = {};
  #traffic = { faults: 0, mostInFlight: 0, sent: 0, received: 0 };
  #inFlight = 0;
  #idle: (() => void)[] = [];

  private constructor(target: string, server: Server) {
    this.#target = new URL(target);
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => void this.#pass(request, response));
  }

  /** Starts in front of the server at `target`. */
  static async start(target: string): Promise<FaultProxy> {
    const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultProxy(target, server);
  }

  /** What went through since the last {@link reset}. */
  get traffic(): Traffic {
    return { requests: { ...this.#requests }, total: Object.values(this.#requests).reduce((sum, count) => sum + count, 0), ...this.#traffic };
  }

  /** Counts from nothing again, and breaks nothing. */
  reset(): void {
    this.rule = () => undefined;
    this.#requests = {};
    this.#pages = new Map();
    this.#traffic = { faults: 0, mostInFlight: this.#inFlight, sent: 0, received: 0 };
  }

  /** Keeps the answers to listings from now on, for the fault `stale`. */
  rememberListings(): void {
    this.#remembers = true;
    this.#first.clear();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await closed;
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A request that was not read to its end forgets its socket.
    const { socket } = request;
    const passing = this.#count(request);
    try {
      this.onRequest(passing);
      const fault = this.rule(passing);
      if (fault) this.#traffic.faults++;
      await this.#answer({ request, response, socket, passing, fault });
    } catch {
      // Whoever asked has gone, or the server has: nothing is left to be said on this connection.
      socket.destroy();
    } finally {
      if (--this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  #count(request: IncomingMessage): Passing {
    this.#traffic.mostInFlight = Math.max(this.#traffic.mostInFlight, ++this.#inFlight);
    const { method = 'GET', url: path = '/' } = request;
    const url = new URL(`http://proxy${path.startsWith('//') ? `/.${path}` : path}`);
    const kind = requestKind(method, url, request.headers['x-amz-copy-source'] !== undefined || request.headers['x-copy-from'] !== undefined);
    const nth = this.#requests[kind] ?? 0;
    this.#requests[kind] = nth + 1;
    if (kind === 'list' && !this.#pages.has(path)) this.#pages.set(path, this.#pages.size + 1);
    return { kind, method, path: path.split('?')[0]!, query: url.searchParams, nth, page: this.#pages.get(path) ?? 0 };
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { request, response, socket, passing, fault } = exchange;
    if (fault?.fault === 'delay') await new Promise((resolve) => setTimeout(resolve, fault.ms));
    if (fault?.fault === 'reset' && fault.when === 'before') return void socket.resetAndDestroy();
    if (fault?.fault === 'status' && !fault.done) {
      await drained(request);
      return await give(response, refusal(fault.status, fault.code));
    }
    const known = fault?.fault === 'stale' ? this.#first.get(request.url!) : undefined;
    if (known) return await give(response, known);
    const answer = await this.#forward(exchange);
    if (!answer) return void socket.resetAndDestroy();
    this.onAnswered(passing, answer.statusCode!);
    await this.#give(exchange, answer);
  }

  /** The server's answer; `undefined` where the request was broken off. */
  async #forward({ request, socket, fault }: Exchange): Promise<IncomingMessage | undefined> {
    const { method, url: path, rawHeaders } = request;
    const { hostname, port } = this.#target;
    const outgoing = sendRequest({ host: hostname, port, method, path, agent: this.#agent, headers: withoutHop(rawHeaders) as never, setHost: false });
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
    let early: IncomingMessage | undefined;
    const heard = answered.then(([answer]) => { early = answer; }, () => {});
    const giveUp = (): void => void outgoing.destroy();
    socket.once('close', giveUp);
    try {
      const half = Number(request.headers['content-length'] ?? 0) / 2;
      let passed = 0;
      let spoilt = false;
      for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        if (early) break;
        if (fault?.fault === 'reset' && fault.when === 'during' && passed + chunk.length > half) {
          outgoing.write(chunk.subarray(0, Math.floor(half - passed)));
          await new Promise((resolve) => setImmediate(resolve));
          outgoing.destroy();
          return undefined;
        }
        const piece = fault?.fault === 'spoil' && fault.of === 'request' && !spoilt ? spoil(chunk) : chunk;
        spoilt = true;
        passed += chunk.length;
        this.#traffic.sent += chunk.length;
        // A server that has answered may never read the rest.
        if (!outgoing.write(piece)) await Promise.race([roomIn(outgoing), heard]);
      }
      if (early) {
        early.once('close', giveUp);
        request.resume();
        return early;
      }
      outgoing.end();
      const [answer] = await answered;
      return answer;
    } finally {
      socket.off('close', giveUp);
    }
  }

  async #give({ request, response, socket, fault, passing: { kind, method } }: Exchange, answer: IncomingMessage): Promise<void> {
    const changes = fault && ['reset', 'status', 'cut', 'spoil'].includes(fault.fault);
    const headers = tagged(withoutHop(answer.rawHeaders), fault);
    if (!changes && !(this.#remembers && kind === 'list')) {
      response.sendDate = false;
      response.writeHead(answer.statusCode!, answer.statusMessage, headers as never);
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        this.#traffic.received += chunk.length;
        if (!response.write(chunk)) await roomIn(response);
      }
      response.end();
      return await finished(response);
    }
    const body = Buffer.concat(await Array.fromAsync(answer as AsyncIterable<Buffer>));
    this.#traffic.received += body.length;
    const whole: Answer = { status: answer.statusCode!, headers, body };
    if (this.#remembers && kind === 'list' && !this.#first.has(request.url!)) this.#first.set(request.url!, whole);
    switch (fault?.fault) {
      case 'reset': return void socket.resetAndDestroy();
      case 'status': return await give(response, refusal(fault.status, fault.code));
      case 'spoil': return await give(response, fault.of === 'answer' && body.length > 0 ? { ...whole, body: spoil(body) } : whole, method);
      case 'cut': {
        const part = { ...whole, body: body.subarray(0, Math.floor(body.length * fault.share)) };
        if (fault.whole || body.length === 0) return await give(response, part, method);
        response.sendDate = false;
        response.writeHead(whole.status, ['Content-Length', String(body.length), ...without(headers, 'content-length', 'transfer-encoding')] as never);
        response.write(part.body);
        await new Promise((resolve) => setTimeout(resolve, 5));
        return void socket.destroy();
      }
      default: return await give(response, whole, method);
    }
  }
}

/** Resolves when more can be written, or never will be. */
async function roomIn(stream: Writable): Promise<void> {
  if (stream.destroyed || !stream.writableNeedDrain) return;
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      for (const event of ['drain', 'close', 'error']) stream.off(event, settle);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) stream.on(event, settle);
  });
}

async function drained(request: IncomingMessage): Promise<void> {
  request.resume();
  await once(request, 'end');
}

async function give(response: ServerResponse, { status, headers, body }: Answer, method?: string): Promise<void> {
  response.sendDate = false;
  const length = method === 'HEAD' ? [] : ['Content-Length', String(body.length)];
  response.writeHead(status, [...length, ...method === 'HEAD' ? headers : without(headers, 'content-length', 'transfer-encoding')] as never);
  response.end(body);
  await finished(response);
}

function refusal(status: number, code = status === 503 ? 'SlowDown' : 'InternalError'): Answer {
  const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>on purpose</Message></Error>`);
  return { status, headers: ['Content-Type', 'application/xml'], body };
}

function withoutHop(headers: readonly string[]): readonly string[] {
  return without(headers, ...hop);
}

/** Names and values in turn, without some. */
function without(headers: readonly string[], ...names: readonly string[]): readonly string[] {
  return headers.filter((_, i) => !names.includes(headers[i - (i % 2)]!.toLowerCase()));
}

function tagged(headers: readonly string[], fault: Fault | undefined): readonly string[] {
  if (fault?.fault !== 'tag') return headers;
  return headers.map((text, i) => (i % 2 === 1 && headers[i - 1]!.toLowerCase() === 'etag' ? `"${fault.tag}"` : text));
}

function spoil(bytes: Buffer): Buffer {
  const spoilt = Buffer.from(bytes);
  const middle = spoilt.length >> 1;
  spoilt[middle] = spoilt[middle]! ^ 1;
  return spoilt;
}
