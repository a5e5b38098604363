import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncError } from '../../model/errors.ts';
import { CassandraStore } from './cassandra-store.ts';
import type { Rows, Session, Statement } from './session.ts';

test('what could not be asked of the servers once is asked again', async () => {
  let away = true;
  const session = {
    name: 'cassandra://db/app',
    async run({ cql }: Statement): Promise<Pick<Rows, 'rows' | 'pageState'>> {
      if (cql.includes('partitioner') && away) throw new SyncError('unavailable', 'no host is up');
      return { rows: (cql.includes('partitioner') ? [{ partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner' }] : cql.includes('keyspaces') ? [{ keyspace_name: 'app' }] : []) as unknown as Rows['rows'], pageState: null as never };
    },
  } as unknown as Session;
  const store = new CassandraStore({
    session, identity: session.name, chosen: () => true, named: [], conditions: 'lwt', create: true, missingIsEmpty: true,
    rules: { keyspace: 'app', modified: undefined, modifiedUnit: undefined, versions: 'detect', json: new Set() },
  });
  await assert.rejects(store.estimate(), { code: 'unavailable' });
  away = false;
  assert.deepEqual(await Array.fromAsync(store.scan()), []);
});
