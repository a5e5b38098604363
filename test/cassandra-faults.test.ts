// What a store of a real Cassandra does when answers are lost on the way.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Document } from '../src/model/document.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Expectation, Outcome, Store, Write } from '../src/model/store.ts';
import { kind } from '../src/stores/cassandra/kind.ts';
import { outlivesCuts } from './connecting.ts';
import { cassandraServer, withoutCassandra } from './services/cassandra.ts';
import { losingProxy } from './services/losing-proxy.ts';
import { overloadedProxy } from './services/overloaded-proxy.ts';
import { waitingHost } from './services/waiting-host.ts';

const key = 'faults/a';

function put(n: number, expect?: Expectation): Write {
  return { kind: 'put', entry: { key, content: { kind: 'document', document: { n, at: new Date(1_420_070_400_000 + n).toISOString() } } }, ...(expect && { expect }) };
}

async function document(store: Store): Promise<Document | undefined> {
  const [entry] = await store.read([{ key }]);
  return entry?.content?.kind === 'document' ? entry.content.document : undefined;
}

describe('answers of Cassandra that are lost', withoutCassandra, () => {
  test('a write whose answer is lost is done once, and known to be done', async () => {
    const { client, keyspace, port } = await cassandraServer();
    await client.execute(`CREATE TABLE ${keyspace}.faults (id text PRIMARY KEY, n int, at timestamp)`);
    await using proxy = await losingProxy(port);
    await using store = await kind.open(`cassandra://127.0.0.1:${proxy.port}/${keyspace}`, { collections: 'faults', modified: 'at', timeoutMs: 5_000 }, plainHost) as Store;
    const version = async (): Promise<string> => (await store.read([{ key }]))[0]!.version!;
    const losing = async (write: Write): Promise<Outcome> => {
      const before = proxy.lost;
      proxy.lose = 1;
      const [outcome] = await store.write([write]);
      assert.equal(proxy.lost, before + 1);
      return outcome!;
    };
    // Everything is prepared once, so that what is lost is the answer to the statement itself.
    for (const write of [put(1, { absent: true }), put(2, { version: 'none' }), put(2), { kind: 'delete', ref: { key } } as const]) await store.write([write]);
    assert.equal((await losing(put(1, { absent: true }))).kind, 'done');
    assert.equal((await document(store))?.['n'], 1);
    assert.equal((await losing(put(2, { version: await version() }))).kind, 'done');
    assert.equal((await losing(put(3, { older: 1_420_070_400_003_000 }))).kind, 'done');
    assert.equal((await losing(put(4))).kind, 'done');
    assert.equal((await document(store))?.['n'], 4);
    assert.equal((await losing({ kind: 'delete', ref: { key }, expect: { version: await version() } })).kind, 'done');
    assert.equal(await document(store), undefined);
  });
});

test('a Cassandra that has too much to do for half a minute is waited for, by readers and by writers of each kind', withoutCassandra, async () => {
  const { client, keyspace, port } = await cassandraServer();
  await client.execute(`CREATE TABLE ${keyspace}.busy (id text PRIMARY KEY, n int, at timestamp)`);
  await using proxy = await overloadedProxy(port);
  for (const conditions of ['lwt', 'timestamp'] as const) {
    const { host, said, after } = waitingHost();
    await using store = await kind.open(`cassandra://127.0.0.1:${proxy.port}/${keyspace}`, { collections: 'busy', modified: 'at', conditions }, host) as Store;
    const keys = Array.from({ length: 100 }, (_, i) => `busy/${conditions}-${i}`);
    const writes = (n: number): readonly Write[] => keys.map((each) => ({ kind: 'put', entry: { key: each, content: { kind: 'document', document: { n, at: new Date(1_420_070_400_000 + n).toISOString() } }, modifiedAt: 1_420_070_400_000_000 + n * 1_000 }, expect: { older: 1_420_070_400_000_000 + n * 1_000 } }));
    assert.ok((await store.write(writes(1))).every((outcome) => outcome.kind === 'done'));
    for (const [i, answer] of (['overloaded', 'write timeout'] as const).entries()) {
      const before = proxy.refused;
      const begin = (): void => {
        proxy.answer = answer;
        after(30_000, async () => void (proxy.answer = undefined));
      };
      begin();
      const outcomes = await store.write(writes(2 + i));
      assert.deepEqual([...new Set(outcomes.map((outcome) => (outcome.kind === 'failed' ? outcome.error.message : outcome.kind)))], ['done']);
      assert.ok(proxy.refused > before && proxy.refused < before + 150, String(proxy.refused - before));
      begin();
      assert.ok((await store.read(keys.map((each) => ({ key: each })))).every((entry) => entry?.content?.kind === 'document' && entry.content.document['n'] === 2 + i));
    }
    assert.match(said.join('\n'), /info: .*overloaded.*left alone/);
  }
});

test('connections to Cassandra that are cut while they are made are made anew', withoutCassandra, async () => {
  const { keyspace, port } = await cassandraServer();
  await outlivesCuts(port, async (at, host) => await kind.open(`cassandra://127.0.0.1:${at}/${keyspace}`, { timeoutMs: 5_000 }, host) as Store);
});
