// A real PostgreSQL that lets in only who comes by TLS, knows its authority, and has the password.
import assert from 'node:assert/strict';
import { chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Bench } from './secured-bench.ts';
import { serverUser } from './services/packages.ts';
import { postgres, withoutPostgres } from './services/postgres.ts';

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
});
