// The loop that is written where there is no tool: a page is read, written, and waited for.
//   node record-loop.mjs to-index    HOST:PORT KEYSPACE TABLE SEARCH INDEX
//   node record-loop.mjs to-cassandra HOST:PORT KEYSPACE TABLE SEARCH INDEX
// With `read` it reads both to their ends, one beside the other, and makes nothing of it, as whoever compares them has to at least.
import { createRequire } from 'node:module';

const cassandra = createRequire(import.meta.url)('cassandra-driver');
const [direction, contactPoint, keyspace, table, search, index] = process.argv.slice(2);
const client = new cassandra.Client({ contactPoints: [contactPoint], localDataCenter: 'datacenter1', keyspace });
const pageRows = 1_000;

async function ask(path, body, type = 'application/json') {
  const answer = await fetch(`http://${search}${path}`, { method: 'POST', body, headers: { 'content-type': type } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${(await answer.text()).slice(0, 300)}`);
  return await answer.json();
}

async function toIndex() {
  let pageState;
  do {
    const page = await client.execute(`SELECT * FROM ${table}`, [], { prepare: true, fetchSize: pageRows, pageState });
    const lines = page.rows.map((row) => {
      const document = Object.fromEntries(row.keys().map((name) => [name, row[name] instanceof cassandra.types.Uuid ? String(row[name]) : row[name]]));
      return `${JSON.stringify({ index: { _index: index, _id: document.id } })}\n${JSON.stringify(document)}\n`;
    });
    if (lines.length > 0) {
      const { errors } = await ask('/_bulk', lines.join(''), 'application/x-ndjson');
      if (errors) throw new Error('some documents were refused');
    }
    pageState = page.pageState;
  } while (pageState);
}

async function toCassandra() {
  const names = ['id', 'amount', 'count', 'customer', 'note', 'open', 'tmstmp', 'value'];
  const insert = `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
  let after;
  for (;;) {
    const { hits: { hits } } = await ask(`/${index}/_search`, JSON.stringify({ size: pageRows, sort: [{ id: 'asc' }], track_total_hits: false, ...(after && { search_after: after }) }));
    if (hits.length === 0) return;
    const rows = hits.map(({ _source: document }) => names.map((name) => (name === 'tmstmp' ? new Date(document[name]) : document[name])));
    await cassandra.concurrent.executeConcurrent(client, insert, rows, { concurrencyLevel: 100, prepare: true, collectResults: false });
    after = hits.at(-1).sort;
  }
}

async function readTable() {
  let pageState;
  do ({ pageState } = await client.execute(`SELECT * FROM ${table}`, [], { prepare: true, fetchSize: pageRows, pageState }));
  while (pageState);
}

async function readIndex() {
  let page = await ask(`/${index}/_search?scroll=1m`, JSON.stringify({ size: pageRows, sort: ['_doc'] }));
  while (page.hits.hits.length > 0) page = await ask('/_search/scroll', JSON.stringify({ scroll: '1m', scroll_id: page._scroll_id }));
}

await client.connect();
if (direction === 'read') await Promise.all([readTable(), readIndex()]);
else await (direction === 'to-index' ? toIndex() : toCassandra());
await client.shutdown();
