// A real PostgreSQL and a real MariaDB that let in only who comes by TLS, knows their authority, and has the password.
import assert from 'node:assert/strict';
import { chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Bench } from './secured-bench.ts';
import { isMaria, mariadb, withoutMariadb } from './services/mariadb.ts';
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
    await bench.refuses(place.replace('localhost', '127.0.0.1'), right, /its certificate is for another host/);
    await bench.refuses(place.replace('tls=verify', `tlsCa=${bench.certificate}x`), right, /authority\.pemx cannot be read/, 2);
    const { code, stderr } = await bench.merge(place, right);
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal((await query(database, 'select * from things')).length, 1);
    assert.equal((await bench.merge(place.replace('tls=verify', `tlsCa=${bench.certificate}`), { PGPASSWORD: right.PGPASSWORD, PGSSLMODE: 'prefer' })).code, 0);
  });

  test('MariaDB by TLS with a password', { skip: withoutMariadb.skip || (!isMaria && 'this server has keys of its own'), timeout: 300_000 }, async () => {
    using bench = new Bench();
    const { port, newDatabase, query } = await mariadb(bench.keys);
    const database = await newDatabase();
    const path = database.split('/').at(-1)!;
    await query(database, `create table things (id integer primary key, at datetime(6) comment 'UTC'); create user guarded identified by 'correct horse' require ssl; grant all on ${path}.* to guarded`);
    const place = `mysql://guarded@localhost:${port}/${path}`;
    const known = `${place}?tlsCa=${bench.certificate}`;
    const right = { MYSQL_PWD: 'correct horse' };
    await bench.refuses(known, { MYSQL_PWD: 'a wrong one' }, /MYSQL_PWD/);
    await bench.refuses(known, {}, /MYSQL_PWD/);
    await bench.refuses(`${place}?tls=verify`, right, /its certificate is signed by itself: .*tlsCa/);
    await bench.refuses(known.replace('localhost', '127.0.0.1'), right, /127\.0\.0\.1 is an address/, 2);
    // A name by which this machine is reached, too.
    await bench.refuses(known.replace('localhost', '127.1'), right, /its certificate is for another host/);
    await bench.refuses(`${place}?tls=disable`, right, /come by TLS/);
    const { code, stderr } = await bench.merge(known, right);
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal((await query(database, 'select * from things')).length, 1);
    const file = join(bench.path, '.my.cnf');
    assert.equal((await bench.merge(`${known.replace('localhost', '127.0.0.1')}&tls=authority`, right)).code, 0);
    for (const lines of ['ssl-mode=REQUIRED', `ssl_ca="${bench.certificate}"\nssl-mode=VERIFY_CA`]) {
      writeFileSync(file, `[client]\npassword='correct horse'\n${lines}\n`);
      assert.equal((await bench.merge(place, {})).code, 0, lines);
    }
    writeFileSync(file, "[client]\npassword='correct horse'\nssl-mode=verify_identity\n");
    await bench.refuses(place, {}, /its certificate is signed by itself/);
    writeFileSync(file, '[client]\nssl-mode=SAFE\n');
    await bench.refuses(place, {}, /ssl-mode in ~\/\.my\.cnf is SAFE/, 2);
  });
});
