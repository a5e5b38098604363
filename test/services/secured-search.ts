// A real Elasticsearch that speaks TLS alone and lets in only whom it knows.
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { startSearch } from './search.ts';
import type { SearchServer } from './search.ts';

/** Who a server is, and the password of `elastic`, who may do everything. */
export interface Secrets {
  readonly key: string;
  readonly cert: string;
  readonly password: string;
}

/** Starts a server; `ask` asks it as `elastic`. It takes a megabyte in one request. */
export async function startSecuredSearch({ key, cert, password }: Secrets): Promise<SearchServer> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-secured-'));
  const config = join(folder, 'config');
  mkdirSync(config);
  writeFileSync(join(config, 'key.pem'), key, { mode: 0o600 });
  writeFileSync(join(config, 'cert.pem'), cert);
  const ask = async (address: string, method: string, path: string, body?: object): Promise<unknown> => {
    const asking = request(`https://${address}${path}`, { method, ca: cert, checkServerIdentity: () => undefined, auth: `elastic:${password}`, timeout: 90_000, headers: { 'content-type': 'application/json' } });
    asking.end(body && JSON.stringify(body));
    const [answer] = await once(asking, 'response') as [IncomingMessage];
    const said = await text(answer);
    if ((answer.statusCode ?? 500) >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${said.slice(0, 500)}`);
    return said === '' ? undefined : JSON.parse(said) as unknown;
  };
  const settings = {
    'http.type': 'security4', 'transport.type': 'security4', 'http.max_content_length': '1mb',
    'xpack.security.enabled': 'true', 'xpack.security.http.ssl.enabled': 'true', 'xpack.security.http.ssl.key': 'key.pem', 'xpack.security.http.ssl.certificate': 'cert.pem',
  };
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const server = await startSearch('elasticsearch-secured', { folder, settings, environment: { SEARCH_PASSWORD: password }, ask }).catch((cause: unknown) => {
    remove();
    throw cause;
  });
  return {
    ...server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      remove();
    },
  };
}
