import type { IncomingHttpHeaders } from 'node:http';

/** A request as it was answered. `started` and `answered` are ticks of one clock, so that it can be told what overlapped. */
export interface LoggedRequest {
  readonly method: string;
  /** With its query, as it was sent. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly started: number;
  body: string;
  /** 0 while it is under way, and where it was never answered. */
  status: number;
  answered: number;
}

/** What a server was asked, in the order in which it was asked. */
export class Requests {
  /** Every request since the start or the last {@link clear}; empty where logging is off. */
  log: LoggedRequest[] = [];
  /** The most requests that were under way at once. */
  most = 0;
  readonly #isLogging: boolean;
  #underWay = 0;
  #clock = 0;

  constructor(isLogging: boolean) {
    this.#isLogging = isLogging;
  }

  /** How many there were: of this method, and with this path or one that matches. */
  count(method?: string, path?: string | RegExp): number {
    return this.#chosen(method, path).length;
  }

  /** Their paths. */
  paths(method?: string, path?: string | RegExp): readonly string[] {
    return this.#chosen(method, path).map((request) => request.path);
  }

  /** Everything that meant to change something, in order of arrival, as in `PUT /api/line/T1`. */
  get writes(): readonly string[] {
    return this.log.filter(({ method }) => method === 'PUT' || method === 'PATCH' || method === 'DELETE').map(({ method, path }) => `${method} ${path}`);
  }

  clear(): void {
    this.log = [];
    this.most = 0;
  }

  start(method: string, path: string, headers: IncomingHttpHeaders): LoggedRequest {
    const request = { method, path, headers, started: ++this.#clock, body: '', status: 0, answered: 0 };
    this.most = Math.max(this.most, ++this.#underWay);
    if (this.#isLogging) this.log.push(request);
    return request;
  }

  end(request: LoggedRequest, status: number): void {
    if (request.answered > 0) return;
    request.status = status;
    request.answered = ++this.#clock;
    this.#underWay--;
  }

  #chosen(method: string | undefined, path: string | RegExp | undefined): readonly LoggedRequest[] {
    return this.log.filter((request) => (method === undefined || request.method === method) && (path === undefined || (typeof path === 'string' ? request.path === path : path.test(request.path))));
  }
}
