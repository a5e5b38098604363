import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import cassandra from 'cassandra-driver';
import type { Client } from 'cassandra-driver';
import { npmProgram } from '../scripts/npm-program.ts';
import { startCassandra } from '../test/services/cassandra.ts';
import { startSearch } from '../test/services/search.ts';
import type { SearchServer } from '../test/services/search.ts';
import { synclineCommand } from './records-scenario.ts';
import type { RecordsPlaces, RecordsProgram, RecordsScenario } from './records-scenario.ts';
import { cpuMsOf } from './records-sql.ts';
import { Digest, digestOfIndex, madeUpOrders, makeIndex } from './search-documents.ts';

const steps = ['first', 'unchanged'];
const sizes = { full: 200_000, quick: 10_000 };
/** Each row is a transaction of its own on the way into Cassandra, unless it is told to go by timestamps. */
const intoCassandra = 30_000;
const elasticdump = { name: 'elasticdump', version: '6.125.1', main: 'bin/elasticdump' };
/** What a server is told that is there to work, and not to start soon. */
const java = ['-Xms2g', '-Xmx2g'];
const loop = join(import.meta.dirname, 'peers', 'record-loop.mjs');

/** Pairs of which one at least is an index or Cassandra. */
export const indexScenarios: readonly RecordsScenario[] = [
  { name: 'index to index', open: async ({ quick, records = quick ? sizes.quick : sizes.full }) => await openIndices(records) },
  { name: 'index to NDJSON', open: async ({ quick, folder, records = quick ? sizes.quick : sizes.full }) => await openLines(records, folder) },
  { name: 'Cassandra to index', open: async ({ quick, records = quick ? sizes.quick : sizes.full }) => await openCassandra(records, 'to-index') },
  { name: 'index to Cassandra', open: async ({ quick, records = quick ? sizes.quick : intoCassandra }) => await openCassandra(records, 'to-cassandra') },
];

async function openIndices(records: number): Promise<RecordsPlaces> {
  const server = await startSearch('opensearch', { java });
  await makeIndex(server, 'left-orders', madeUpOrders(records));
  const wanted = await digestOfIndex(server, 'left-orders');
  const [left, right] = ['left', 'right'].map((name) => `${server.address}/${name}`) as [string, string];
  const { peers, missing } = await dumps((limit) => [`--input=http://${left}-orders`, `--output=http://${right}-orders`, '--type=data', `--limit=${limit}`]);
  return {
    ...placesOf([server]), records, missing,
    goals: { first: 'a tenth of the time of elasticdump, under 250 MiB', unchanged: 'no write, at the speed of reading' },
    programs: [{ name: 'syncline', command: (_, memory) => synclineCommand(memory, 'sync', '--quiet', `opensearch://${left}?layout=suffix`, `opensearch://${right}?layout=suffix`) }, ...peers],
    versions: { OpenSearch: await versionOf(server), elasticdump: elasticdump.version },
    reset: async () => {
      await server.ask('DELETE', '/right-orders?ignore_unavailable=true');
      await makeIndex(server, 'right-orders');
    },
    check: async (step, { name }) => expectSame(await digestOfIndex(server, 'right-orders'), wanted, step, name),
    [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose](),
  };
}

async function openLines(records: number, folder: string): Promise<RecordsPlaces> {
  const server = await startSearch('opensearch', { java });
  await makeIndex(server, 'left-orders', madeUpOrders(records));
  const wanted = await digestOfIndex(server, 'left-orders');
  const file = join(folder, 'orders.ndjson');
  const { peers, missing } = await dumps((limit) => [`--input=http://${server.address}/left-orders`, `--output=${file}`, '--overwrite', '--type=data', `--limit=${limit}`]);
  return {
    ...placesOf([server]), records, missing, steps: ['first'],
    goals: { first: 'a tenth of the time of elasticdump, under 250 MiB' },
    programs: [{
      name: 'syncline',
      command: (_, memory) => {
        const { line, environment = {} } = synclineCommand(memory, 'sync', '--quiet', '--json', `opensearch://${server.address}/left?layout=suffix`, '-');
        return { line: ['/bin/sh', '-c', `exec "$0" "$@" > '${file}'`, ...line], environment };
      },
    }, ...peers],
    versions: { OpenSearch: await versionOf(server), elasticdump: elasticdump.version },
    reset: async () => await rm(file, { force: true }),
    check: async (step, { name }) => {
      const digest = new Digest();
      for await (const line of createInterface({ input: createReadStream(file) })) {
        const value = JSON.parse(line) as { readonly _source?: object };
        const document = (value._source ?? value) as { readonly id: string };
        digest.add(document.id, document);
      }
      expectSame(digest.toString(), wanted, step, name);
    },
    [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose](),
  };
}

const columns = 'id uuid PRIMARY KEY, amount double, count int, customer text, note text, open boolean, tmstmp timestamp, value text';

async function openCassandra(records: number, direction: 'to-index' | 'to-cassandra'): Promise<RecordsPlaces> {
  const server = await startSearch('opensearch', { java });
  const node = await startCassandra(java, { concurrent_reads: 32, concurrent_writes: 32, native_transport_max_threads: 128, file_cache_size: '128MiB' });
  const contactPoint = `127.0.0.1:${node.port}`;
  const client = new cassandra.Client({ contactPoints: [contactPoint], localDataCenter: 'datacenter1', socketOptions: { readTimeout: 60_000 } });
  await client.execute(`CREATE KEYSPACE app WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`);
  await client.execute(`CREATE TABLE app.orders (${columns})`);
  await makeIndex(server, 'app-orders', direction === 'to-index' ? [] : madeUpOrders(records));
  if (direction === 'to-index') await fill(client, records);
  const [index, table] = [`opensearch://${server.address}/app?layout=suffix`, `cassandra://${contactPoint}/app?collections=orders`];
  const ours = direction === 'to-index' ? [table, index] : [index, table];
  const wanted = direction === 'to-index' ? await digestOfTable(client) : await digestOfIndex(server, 'app-orders');
  if (!wanted.startsWith(`${records} documents`)) throw new Error(`the source holds ${wanted}, and is to hold ${records}`);
  const timed: RecordsProgram = { name: 'syncline by timestamps', command: (_, memory) => synclineCommand(memory, 'sync', '--quiet', `${index}&modified=tmstmp`, `${table}&modified=tmstmp&conditions=timestamp`) };
  const looping = (what: string): RecordsProgram['command'] => () => ({ line: [process.execPath, loop, what, contactPoint, 'app', 'orders', server.address, 'app-orders'] });
  const plain: RecordsProgram = { name: 'a loop with the same drivers', command: looping(direction) };
  const own: RecordsProgram = { name: 'syncline', command: (_, memory) => synclineCommand(memory, 'sync', '--quiet', ...ours) };
  // What is to be read is brought there by ours: with many records the loop gives up where the server has too much to do.
  const reading: RecordsProgram = { name: 'a loop that only reads both', command: (step, memory) => (step === 'first' ? own.command : looping('read'))(step, memory) };
  return {
    ...placesOf([server, node]), records, missing: [],
    goals: direction === 'to-index' ? { first: '10,000 records a second, under 250 MiB', unchanged: 'no write, at the speed of reading' } : {},
    programs: [own, ...(direction === 'to-index' ? [] : [timed]), plain, reading],
    warmUp: [plain, own],
    versions: { OpenSearch: await versionOf(server), Cassandra: String((await client.execute('SELECT release_version FROM system.local')).rows[0]?.['release_version']) },
    reset: async () => {
      if (direction === 'to-index') {
        await emptied(server);
      } else {
        await client.execute('DROP TABLE app.orders');
        await client.execute(`CREATE TABLE app.orders (${columns})`);
      }
    },
    check: async (step, { name }) => expectSame(direction === 'to-index' ? await digestOfIndex(server, 'app-orders') : await digestOfTable(client), wanted, step, name),
    [Symbol.asyncDispose]: async () => {
      await client.shutdown();
      await node[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Makes the index anew, as soon as the server has room for that after what came before. */
async function emptied(server: SearchServer): Promise<void> {
  for (let left = 60; ; left--) {
    try {
      await server.ask('DELETE', '/app-orders?ignore_unavailable=true');
      return await makeIndex(server, 'app-orders');
    } catch (error) {
      if (left === 0 || !String(error).includes('circuit_breaking_exception')) throw error;
      await sleep(1_000);
    }
  }
}

async function fill(client: Client, records: number): Promise<void> {
  let some: unknown[][] = [];
  const put = async (): Promise<void> => {
    await cassandra.concurrent.executeConcurrent(client, 'INSERT INTO app.orders (id, amount, count, customer, note, open, tmstmp, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?)', some, { concurrencyLevel: 128, collectResults: false });
    some = [];
  };
  for (const { id, amount, count, customer, note, open, tmstmp, value } of madeUpOrders(records)) {
    some.push([id, amount, count, customer, note, open, new Date(tmstmp), value]);
    if (some.length === 10_000) await put();
  }
  await put();
}

async function digestOfTable(client: Client): Promise<string> {
  const digest = new Digest();
  for await (const row of client.stream('SELECT JSON * FROM app.orders', [], { prepare: true, autoPage: true, fetchSize: 5_000 }) as unknown as AsyncIterable<{ get(column: string): string }>) {
    const order = JSON.parse(row.get('[json]')) as { readonly id: string };
    digest.add(order.id, order);
  }
  return digest.toString();
}

async function dumps(parameters: (limit: number) => readonly string[]): Promise<{ readonly peers: readonly RecordsProgram[]; readonly missing: RecordsPlaces['missing'] }> {
  const found = await npmProgram(elasticdump);
  if ('missing' in found) return { peers: [], missing: [{ name: 'elasticdump', why: found.missing }] };
  const dump = (name: string, limit: number): RecordsProgram => ({ name, command: () => ({ line: [process.execPath, found.path, '--quiet', ...parameters(limit)] }) });
  return { peers: [dump('elasticdump', 100), dump('elasticdump --limit=5000', 5_000)], missing: [] };
}

function placesOf(servers: readonly { readonly pid: number }[]): Pick<RecordsPlaces, 'steps' | 'before' | 'serverCpuMs'> {
  return { steps, before: async () => {}, serverCpuMs: () => servers.reduce((sum, { pid }) => sum + cpuMsOf(pid), 0) };
}

async function versionOf(server: SearchServer): Promise<string> {
  return ((await server.ask('GET', '/')) as { readonly version: { readonly number: string } }).version.number;
}

function expectSame(held: string, wanted: string, step: string, who: string): void {
  if (held !== wanted) throw new Error(`${step} run of ${who}: the target holds ${held}, where ${wanted} was expected`);
}
