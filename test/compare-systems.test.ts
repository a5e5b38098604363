// Whether two systems that a merge left in step are proven equal, though they keep records in different ways, and what is told and repaired where not.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cassandra, ids, inMariadb, inPostgres, Pair, search } from './acceptance/in-step-servers.ts';
import type { Maker } from './acceptance/in-step-servers.ts';
import { runCommand } from './acceptance/command.ts';
import { withoutCassandra } from './services/cassandra.ts';
import { withoutMariadb } from './services/mariadb.ts';
import { withoutPostgres } from './services/postgres.ts';
import { skipWithoutSearch } from './services/search.ts';

const withoutOpensearch = await skipWithoutSearch('opensearch');

const settings: readonly (readonly [name: string, a: Maker, b: Maker, skip: string | false])[] = [
  ['Cassandra and OpenSearch', cassandra({ versions: false }), search('opensearch', { times: 'keyword' }), withoutCassandra.skip || withoutOpensearch],
  ['Cassandra with a row for each version and OpenSearch with dates', cassandra({ versions: true }), search('opensearch', { times: 'date' }), withoutCassandra.skip || withoutOpensearch],
  ['PostgreSQL and MariaDB', inPostgres, inMariadb, withoutPostgres.skip || withoutMariadb.skip],
];

describe('two systems that are in step', () => {
  for (const [name, a, b, skip] of settings) {
    test(`are equal, and what differs since is told and repaired: ${name}`, { skip }, async () => {
      using pair = await Pair.make(a, b, 'merge');
      const [one, two, three, four] = ids(4) as [string, string, string, string];
      await pair.a.put('orders', [{ id: one, tmstmp: '2015-01-01T10:20:30.123456Z', value: 'a', amount: 0.5, more: { x: [1] } }, { id: two, tmstmp: '2015-01-02T00:00:00Z', value: 'newer' }]);
      await pair.b.put('orders', [{ id: two, tmstmp: '2015-01-01T00:00:00Z', value: 'older' }, { id: three, tmstmp: '2015-01-03T10:20:30.987Z', open: true }]);
      const merged = await pair.run();
      assert.equal(merged.code, 0, merged.stdout + merged.stderr);
      const verify = async (...args: readonly string[]): Promise<readonly [number | null, string]> => {
        const { code, stdout, stderr } = await runCommand('syncline', ['verify', '--modified', 'tmstmp', ...args], { cwd: pair.path });
        return [code, stdout + stderr];
      };
      const [there, back] = [[pair.a.endpoint, pair.b.endpoint], [pair.b.endpoint, pair.a.endpoint]];
      assert.deepEqual(await verify(...there), [0, 'equal: 3 entries\n']);
      assert.deepEqual(await verify(...back), [0, 'equal: 3 entries\n']);
      assert.deepEqual(await verify('--repair', ...there), [0, 'equal: nothing to repair, 3 the same\n']);
      await pair.b.put('orders', [{ id: two, tmstmp: '2015-01-02T00:00:00Z', value: 'edited' }, { id: four, tmstmp: '2015-01-04T00:00:00Z', value: 'more' }]);
      const [code, told] = await verify(...there);
      // A time that is written in another way is told along with what else differs.
      assert.deepEqual([code, told.replace('tmstmp, ', '').split('\n').sort()], [1, ['', `- orders/${four} only in the last place`, 'not equal: 2 keys differ, 2 the same', `~ orders/${two} differs in value`]]);
      assert.deepEqual(await verify('--repair', '--delete', ...there), [0, [`~ orders/${two} replaced`, `- orders/${four} deleted`].sort((x, y) => (x.slice(2) < y.slice(2) ? -1 : 1)).join('\n') + '\nequal: 2 keys repaired and read again, 2 the same\n']);
      assert.deepEqual(await verify(...back), [0, 'equal: 3 entries\n']);
    });
  }
});
