// Disks that are full: what a run cannot do is told, and the next one does it.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { mariadb, withoutMariadb } from '../services/mariadb.ts';
import { serverUser } from '../services/packages.ts';
import { postgres, withoutPostgres } from '../services/postgres.ts';
import { smallDisk, withoutSmallDisks } from '../services/small-disk.ts';
import { merge } from './merging.ts';
import { inFolder, refused } from './refused.ts';

const withoutDisks = withoutSmallDisks();

describe('a place without room', () => {
  test('a disk that is full under a file of SQLite', { skip: withoutDisks }, async () => {
    await inFolder(async (folder) => {
      using disk = smallDisk(1);
      await refused({ endpoint: `sqlite:${join(disk.path, 'target.sqlite')}`, says: /disk/, narrow: async () => {}, widen: async () => disk.resize(32) }, folder);
    });
  });

  test('a disk that is full under a table of PostgreSQL', { skip: withoutDisks || withoutPostgres.skip }, async () => {
    await inFolder(async (folder) => {
      const { newDatabase, query } = await postgres();
      using disk = smallDisk(1, serverUser('postgres'));
      const endpoint = await newDatabase();
      await query(endpoint, `create tablespace small location '${disk.path}'`);
      await query(endpoint, 'create table things (id integer primary key, at timestamptz(3), value text) tablespace small');
      await query(endpoint, 'alter table things alter value set storage plain');
      await refused({ endpoint, says: /No space left on device.*disk/s, narrow: async () => {}, widen: async () => disk.resize(32) }, folder);
      await query(endpoint, 'drop table things');
      await query(endpoint, 'drop tablespace small');
    });
  });

  test('a disk that is full under a table of MariaDB', { skip: withoutDisks || withoutMariadb.skip }, async () => {
    await inFolder(async (folder) => {
      const { newDatabase, query, restart } = await mariadb();
      using disk = smallDisk(1, serverUser('mysql'));
      const endpoint = await newDatabase();
      await query(endpoint, `create table things (id integer primary key, at datetime(3), value longtext) data directory = '${disk.path}'`);
      // The server may end itself over it, and what it has answered is to be there when it is back.
      await query(endpoint, 'set global innodb_flush_log_at_trx_commit = 2');
      const widen = async (): Promise<void> => {
        disk.resize(64);
        await restart();
      };
      await refused({ endpoint, says: /full|nothing listens there|the connection was cut/, narrow: async () => {}, widen }, folder);
      await query(endpoint, 'drop table things');
    });
  });

  test('a disk that is full under what is remembered between runs', { skip: withoutDisks }, async () => {
    await inFolder(async (folder) => {
      using disk = smallDisk(2);
      const [a, b] = [join(folder, 'a', 'things'), join(folder, 'b', 'things')];
      for (const side of [a, b]) mkdirSync(side, { recursive: true });
      for (let id = 0; id < 50; id++) writeFileSync(join(id % 2 === 0 ? a : b, `${id}.yaml`), `id: ${id}\nat: 2015-01-05T00:00:00Z\n`);
      const pair = { left: join(folder, 'a'), right: join(folder, 'b'), folder, environment: { XDG_STATE_HOME: disk.path } };
      try {
        writeFileSync(join(disk.path, 'ballast'), randomBytes(4 * 1024 * 1024));
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
      }
      const failed = await merge(pair);
      assert.equal(failed.code, 3, failed.said);
      assert.doesNotMatch(failed.said, /^\s+at /m);
      rmSync(join(disk.path, 'ballast'));
      const { code, said } = await merge(pair);
      assert.deepEqual([code, said.includes('50 entries') || /in step|done/.test(said) || said === ''], [0, true], said);
      const again = await merge(pair, ['--report', 'json']);
      assert.equal((JSON.parse(again.said) as { readonly differences: number }).differences, 0);
    });
  });
});
