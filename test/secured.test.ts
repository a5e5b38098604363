// Real servers that let in only who comes by TLS, knows their authority, and says who it is.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Folder, runCommand } from './acceptance/command.ts';
import type { Ended } from './acceptance/command.ts';
import { selfSigned } from './self-signed.ts';
import { serverUser } from './services/packages.ts';
import { postgres, withoutPostgres } from './services/postgres.ts';
import { sharedSearch, skipWithoutSearch } from './services/search.ts';

const withoutOpensearch = await skipWithoutSearch('opensearch');
const withoutElasticsearch = await skipWithoutSearch('elasticsearch');

/** A folder with one record to carry, and a certificate. */
class Bench extends Folder {
  readonly certificate: string;
  readonly #key: string;

  constructor() {
    super();
    const { key, cert } = selfSigned();
    this.certificate = join(this.path, 'authority.pem');
    writeFileSync(this.certificate, cert);
    this.#key = key;
    mkdirSync(join(this.path, 'here', 'things'), { recursive: true });
    writeFileSync(join(this.path, 'here', 'things', '1.yaml'), 'id: 1\nat: 2015-01-31T00:00:00Z\n');
  }

  get keys(): { readonly key: string; readonly cert: string } {
    return { key: this.#key, cert: readFileSync(this.certificate, 'utf8') };
  }

  /** Keeps the folder and a place in step. */
  async merge(place: string, environment: { readonly [name: string]: string }): Promise<Ended> {
    return await runCommand('syncline', ['merge', '--newest', '--modified', 'at', '--full', './here', place], { cwd: this.path, environment });
  }

  /** Sees that a run was refused, with a reason and without the secrets. */
  async refuses(place: string, environment: { readonly [name: string]: string }, reason: RegExp): Promise<void> {
    const { code, stdout, stderr } = await this.merge(place, environment);
    assert.match(stderr, reason);
    assert.equal(code, 3, stderr);
    for (const [name, value] of Object.entries(environment)) if (/PASSWORD|KEY/.test(name)) assert.ok(!`${stdout}${stderr}`.includes(value), 'a secret is told');
  }
}

describe('a server that lets in only some', () => {
  // Who has no password does not wait until the server is tired of him.
  test('PostgreSQL by TLS with a password', { ...withoutPostgres, timeout: 300_000 }, async () => {
    using bench = new Bench();
    const { port, newDatabase, query } = await postgres();
    const database = await newDatabase();
    const [[settings = {}], user] = [await query(database, "select current_setting('hba_file') as hba, current_setting('data_directory') as folder"), serverUser('postgres')];
    const [hba, folder] = [String(settings['hba']), String(settings['folder'])];
    for (const [name, text] of Object.entries(bench.keys)) {
      writeFileSync(join(folder, `server.${name}`), text, { mode: 0o600 });
      if (process.getuid?.() === 0) chownSync(join(folder, `server.${name}`), user.uid, user.gid);
    }
    writeFileSync(hba, `hostssl all guarded all scram-sha-256\nhost all guarded all reject\n${readFileSync(hba, 'utf8')}`);
    for (const statement of ["alter system set authentication_timeout = '600s'", "alter system set ssl_cert_file = 'server.cert'", "alter system set ssl_key_file = 'server.key'", "alter system set ssl = 'on'", "alter system set password_encryption = 'scram-sha-256'", 'select pg_reload_conf()', "create role guarded login password 'correct horse'", 'create table things (id integer primary key, at timestamptz)', 'grant all on things to guarded']) await query(database, statement);
    const place = `postgres://guarded@localhost:${port}/${database.split('/').at(-1)!}?tls=verify`;
    const right = { PGPASSWORD: 'correct horse', PGSSLROOTCERT: bench.certificate };
    await bench.refuses(place, { ...right, PGPASSWORD: 'a wrong one' }, /password/);
    await bench.refuses(place, { PGSSLROOTCERT: bench.certificate }, /PGPASSWORD/);
    await bench.refuses(place, { PGPASSWORD: right.PGPASSWORD }, /PGSSLROOTCERT/);
    await bench.refuses(place.replace('tls=verify', 'tls=disable'), right, /pg_hba|rejects/);
    const { code, stderr } = await bench.merge(place, right);
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal((await query(database, 'select * from things')).length, 1);
  });

  for (const { name, skip, right, authorization } of [
    { name: 'opensearch', skip: withoutOpensearch, right: { OPENSEARCH_USERNAME: 'guarded', OPENSEARCH_PASSWORD: 'correct horse' }, authorization: `Basic ${Buffer.from('guarded:correct horse').toString('base64')}` },
    { name: 'elasticsearch', skip: withoutElasticsearch, right: { ELASTIC_API_KEY: 'Y29ycmVjdDpob3JzZQ==' }, authorization: 'ApiKey Y29ycmVjdDpob3JzZQ==' },
  ] as const) {
    test(`${name} behind a gateway that speaks TLS and asks who it is`, { skip }, async () => {
      using bench = new Bench();
      const { address, ask } = await sharedSearch(name);
      const gateway = createServer(bench.keys, (incoming, outgoing) => {
        if (incoming.headers.authorization !== authorization) {
          incoming.resume().once('end', () => outgoing.writeHead(401, { 'content-type': 'application/json' }).end('{"error":{"type":"security_exception","reason":"missing authentication credentials"},"status":401}'));
          return;
        }
        const [host, port] = address.split(':') as [string, string];
        incoming.pipe(request({ host, port, method: incoming.method, path: incoming.url, headers: incoming.headers }, (answer) => answer.pipe(outgoing.writeHead(answer.statusCode ?? 502, answer.headers))));
      }).listen(0, 'localhost');
      await once(gateway, 'listening');
      try {
        const index = randomUUID();
        const place = `${name}+https://localhost:${(gateway.address() as AddressInfo).port}/${index}?layout=suffix`;
        const knows = { NODE_EXTRA_CA_CERTS: bench.certificate };
        await bench.refuses(place, right, /NODE_EXTRA_CA_CERTS/);
        await bench.refuses(place, knows, /does not know who asks/);
        await bench.refuses(place, { ...knows, ...Object.fromEntries(Object.entries(right).map(([variable, value]) => [variable, /USERNAME/.test(variable) ? value : 'a-wrong-one'])) }, /does not know who asks/);
        const { code, stderr } = await bench.merge(place, { ...knows, ...right });
        assert.deepEqual([code, stderr], [0, '']);
        await ask('POST', `/${index}-things/_refresh`);
        assert.equal((await ask('GET', `/${index}-things/_count`) as { readonly count: number }).count, 1);
      } finally {
        gateway.closeAllConnections();
        gateway.close();
      }
    });
  }
});
