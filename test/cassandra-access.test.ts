// Who is let in by a real Cassandra that wants passwords and TLS.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { plainHost } from '../src/model/plain-host.ts';
import type { Store } from '../src/model/store.ts';
import { kind } from '../src/stores/cassandra/kind.ts';
import type { CassandraOptions } from '../src/stores/cassandra/kind.ts';
import { secureCassandra, withoutCassandra } from './services/cassandra.ts';

describe('access to Cassandra', withoutCassandra, () => {
  test('who has the password and knows the certificate is let in, and everybody else is told what is missing', async () => {
    await using server = await secureCassandra();
    const { client, certificate, port } = server;
    for (const statement of ["CREATE KEYSPACE app WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}", 'CREATE TABLE app.things (id text PRIMARY KEY, v int)', "CREATE ROLE reader WITH PASSWORD = 'correct horse' AND LOGIN = true", 'GRANT SELECT ON KEYSPACE app TO reader']) await client.execute(statement);
    const open = async (options: CassandraOptions, password?: string): Promise<Store> => await kind.open(`cassandra://127.0.0.1:${port}/app`, { timeoutMs: 5_000, ...options }, { ...plainHost, environment: password === undefined ? {} : { CASSANDRA_PASSWORD: password } }) as Store;
    const reading = async (options: CassandraOptions, password?: string): Promise<unknown> => {
      await using store = await open(options, password);
      return await Array.fromAsync(store.scan());
    };

    assert.deepEqual(await reading({ user: 'reader', tlsCa: certificate }, 'correct horse'), []);
    await assert.rejects(reading({ user: 'reader', tlsCa: certificate }, 'wrong'), (error: Error & { code: string; details: { hint: string } }) => error.code === 'denied' && !error.message.includes('wrong') && error.details.hint.includes('CASSANDRA_PASSWORD'));
    await assert.rejects(reading({ tlsCa: certificate }), { code: 'denied' });
    await assert.rejects(reading({ user: 'reader', tls: true }, 'correct horse'), { code: 'unavailable', message: /does not answer \(.*self.signed/i });
    await assert.rejects(reading({ user: 'reader' }, 'correct horse'), (error: Error & { code: string; details: { hint: string } }) => error.code === 'unavailable' && error.details.hint.includes('option tls'));

    await using store = await open({ user: 'reader', tlsCa: certificate }, 'correct horse');
    const [outcome] = await store.write([{ kind: 'put', entry: { key: 'things/a', content: { kind: 'document', document: { v: 1 } } } }]);
    assert.ok(outcome?.kind === 'failed' && outcome.error.code === 'denied' && outcome.error.details.hint?.includes('MODIFY'), JSON.stringify(outcome));
    await assert.rejects(store.prepare!([{ name: 'other', key: ['id'], fields: [{ name: 'id', type: { kind: 'text' }, nullable: false }] }]), { code: 'denied' });
  });
});
