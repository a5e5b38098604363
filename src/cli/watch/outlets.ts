import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { prometheusText, prometheusType } from '../../lib/prometheus.ts';
import type { Metric } from '../../lib/prometheus.ts';
import { SyncError } from '../../model/errors.ts';
import { canonicalPath } from '../../stores/tree/paths.ts';
import type { Terminal } from '../program/terminal.ts';

/** What there is to tell of how things stand. */
export interface Standing {
  /** Whether nothing waits to be mended. */
  readonly isWell: boolean;
  health(): object;
  metrics(): readonly Metric[];
}

export interface OutletOptions {
  readonly tally: Standing;
  readonly terminal: Terminal;
  readonly health: string | undefined;
  readonly metrics: string | undefined;
  /** Identities of the origins: a file in one of them would be a change itself. */
  readonly origins: readonly string[];
}

/** Where others look how things stand: a health file, a metrics file, a metrics port. */
export class Outlets implements AsyncDisposable {
  readonly #options: OutletOptions;
  readonly #files: { readonly path: string; readonly text: () => string }[] = [];
  readonly #warned = new Set<string>();
  #server: Server | undefined;

  private constructor(options: OutletOptions) {
    this.#options = options;
  }

  /** Throws `invalid` where a file lies in an origin, and `unavailable` where a port cannot be had. */
  static async open(options: OutletOptions): Promise<Outlets> {
    const outlets = new Outlets(options);
    const { tally, health, metrics } = options;
    if (health !== undefined) outlets.#add('health', health, () => `${JSON.stringify(tally.health(), null, 2)}\n`);
    const address = metrics === undefined ? undefined : addressIn(metrics);
    if (address) outlets.#server = await listen(address, tally);
    else if (metrics !== undefined) outlets.#add('metrics', metrics, () => prometheusText(tally.metrics()));
    return outlets;
  }

  /** Replaces the files. A file that cannot be written is mentioned once, and never ends the watching. */
  update(): void {
    for (const { path, text } of this.#files) {
      const draft = `${path}.new`;
      try {
        writeFileSync(draft, text());
        renameSync(draft, path);
        this.#warned.delete(path);
      } catch (error) {
        rmSync(draft, { force: true });
        if (!this.#warned.has(path)) this.#options.terminal.say(`warning: cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`);
        this.#warned.add(path);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = this.#server;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  #add(option: string, path: string, text: () => string): void {
    const place = `tree:${canonicalPath(path)}`;
    if (this.#options.origins.some((origin) => place.startsWith(`${origin}/`))) throw new SyncError('invalid', `--${option} ${path} lies in an origin, where each writing of it would be a change`, { hint: 'name a file elsewhere' });
    this.#files.push({ path, text });
  }
}

/** A host and a port; `undefined` where it is a path. */
function addressIn(text: string): { readonly host: string; readonly port: number } | undefined {
  const found = /^(?:(\[[\da-f:.]+\]|[\w.-]*):)?(\d{1,5})$/i.exec(text);
  if (!found) return undefined;
  const port = Number(found[2]);
  if (port > 65_535) throw new SyncError('invalid', `--metrics ${text}: there is no port ${port}`, { hint: 'name one from 1 to 65535' });
  return { host: found[1]?.replace(/^\[|\]$/g, '') || '127.0.0.1', port };
}

async function listen({ host, port }: { readonly host: string; readonly port: number }, tally: Standing): Promise<Server> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    const [path] = (request.url ?? '/').split('?');
    const answer = (status: number, type: string, text: string): void => void response.writeHead(status, { 'content-type': type }).end(request.method === 'HEAD' ? undefined : text);
    if (request.method !== 'GET' && request.method !== 'HEAD') answer(405, 'text/plain', 'only GET\n');
    else if (path === '/metrics') answer(200, prometheusType, prometheusText(tally.metrics()));
    else if (path === '/health') answer(tally.isWell ? 200 : 503, 'application/json', `${JSON.stringify(tally.health())}\n`);
    else answer(404, 'text/plain', 'there are /metrics and /health\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(new SyncError('unavailable', `cannot listen on ${host}:${port} for metrics: ${cause.code === 'EADDRINUSE' ? 'another program does' : cause.code ?? cause.message}`, { cause, hint: 'name another port' })));
    server.listen(port, host, resolve);
  });
  // A scraper that breaks off is no concern of ours.
  server.on('error', () => {});
  return server;
}
