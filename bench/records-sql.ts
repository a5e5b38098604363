import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { goProgram } from '../scripts/go-program.ts';
import { pythonEnvironment } from '../scripts/python.ts';
import { missingPrograms, programPath } from '../test/services/packages.ts';
import { postgresFolders, startPostgres } from '../test/services/postgres-server.ts';
import { synclineCommand } from './records-scenario.ts';
import type { RecordsPlaces, RecordsProgram, RecordsScenario } from './records-scenario.ts';

const run = promisify(execFile);
const steps = ['first', 'unchanged', 'changed'];
const sizes = { full: 2_000_000, quick: 200_000 };
/** So many rows for who takes minutes for all of them. */
const dltRows = 50_000;
const slingVersion = 'v1.4.24';

/** Pairs of databases. */
export const sqlScenarios: readonly RecordsScenario[] = [{ name: 'PostgreSQL to PostgreSQL', open: async ({ quick, records = quick ? sizes.quick : sizes.full }) => await openPostgres(records) }];

const columns = 'id bigint primary key, customer uuid not null, name text not null, note text, amount numeric(12, 2) not null, created_at timestamptz not null, modified_at timestamptz not null, active boolean not null, details jsonb not null';

/** Rows as shops have them, the same each time. */
function madeUp(rows: number): string {
  return `
    create table orders (${columns});
    insert into orders select i, md5('customer' || i % 50000)::uuid, 'Order ' || i || ' of ' || substr(md5(i::text), 1, 12), case when i % 3 = 0 then null else 'ship "soon", ' || substr(md5('note' || i), 1, 24 + i % 60) end,
      (i::bigint * 7919 % 1000000) / 100.0, '2024-01-01T00:00:00Z'::timestamptz + i * interval '13.000071 seconds', '2025-01-01T00:00:00Z'::timestamptz + i * interval '7.000013 seconds', i % 7 <> 0,
      jsonb_build_object('items', i % 9, 'weight', ((i % 977) / 8.0)::float8, 'tags', jsonb_build_array('t' || i % 13, 'u' || i % 17), 'address', jsonb_build_object('city', 'City ' || i % 400, 'zip', lpad((i % 99999)::text, 5, '0')))
    from generate_series(1, ${rows}) i`;
}

async function openPostgres(rows: number): Promise<RecordsPlaces> {
  const absent = await missingPrograms(['initdb', 'postgres', 'psql'], ['postgresql'], postgresFolders);
  if (absent !== undefined) throw new Error(`PostgreSQL cannot be run: ${absent}`);
  const server = await startPostgres();
  const [source, part, target] = [await server.newDatabase(), await server.newDatabase(), await server.newDatabase()];
  const partRows = Math.min(rows, dltRows);
  for (const [database, count] of [[source, rows], [part, partRows]] as const) {
    await server.query(database, madeUp(count));
    await server.query(database, 'vacuum analyze orders');
  }
  const psql = programPath('psql', postgresFolders)!;
  const { peers, missing } = await findPeers({ psql, source, part, partRows, target });
  const tableOf = ({ name }: RecordsProgram): string => (name.startsWith('dlt') ? 'mirror.orders' : 'public.orders');
  let changes = 0;
  const sourceOf = ({ name }: RecordsProgram): string => (name.startsWith('dlt') ? part : source);
  const wanted = new Map<string, string>();
  return {
    records: rows, steps, missing,
    goals: { first: 'twice the time of COPY, a fifth of that of dlt, under 250 MiB', unchanged: 'the time of reading', changed: 'the time of reading' },
    programs: [{ name: 'syncline', command: (_, memory) => synclineCommand(memory, 'sync', '--quiet', source, target) }, ...peers],
    versions: { PostgreSQL: String((await server.query(source, 'show server_version'))[0]?.['server_version']), ...(await versionsOf(psql)) },
    reset: async ({ name }) => {
      await server.query(target, `drop schema public cascade; drop schema if exists mirror cascade; drop schema if exists mirror_staging cascade; create schema public; ${name.includes('COPY') ? `create table orders (${columns})` : 'select 1'}`);
    },
    before: async (step) => {
      if (step === 'changed') {
        wanted.clear();
        changes++;
        for (const database of [source, part]) await server.query(database, `update orders set name = 'Order ' || id || ' changed ' || ${changes}, modified_at = now() where id % 100 = 7`);
      }
      await server.query(source, 'checkpoint');
    },
    check: async (step, program) => {
      const from = sourceOf(program);
      const expected = wanted.get(from) ?? await digest(server.query, from, 'public.orders');
      wanted.set(from, expected);
      const held = await digest(server.query, target, tableOf(program));
      if (held !== expected) throw new Error(`${step} run of ${program.name}: the target holds ${held}, where ${expected} was expected`);
    },
    serverCpuMs: () => cpuMsOf(server.pid),
    [Symbol.asyncDispose]: async () => await server.stop(),
  };
}

/** How many rows there are, and a digest of all of them that does not depend on their order or that of their columns. */
async function digest(query: (endpoint: string, text: string) => Promise<readonly { readonly [column: string]: unknown }[]>, endpoint: string, table: string): Promise<string> {
  const row = 'id, customer, name, note, amount::numeric(12, 2), created_at, modified_at, active, details::jsonb';
  const [found] = await query(endpoint, `select count(*) as count, md5(sum(('x' || substr(md5(concat_ws('|', ${row})), 1, 15))::bit(60)::bigint)::text) as digest from ${table}`);
  return `${String(found?.['count'])} rows, ${String(found?.['digest'])}`;
}

async function findPeers({ psql, source, part, partRows, target }: { readonly psql: string; readonly source: string; readonly part: string; readonly partRows: number; readonly target: string }): Promise<{ readonly peers: readonly RecordsProgram[]; readonly missing: RecordsPlaces['missing'] }> {
  const peers: RecordsProgram[] = [copyPeer(psql, source, target), readingPeer(psql, source, target)];
  const missing: { name: string; why: string }[] = [];
  const dlt = await pythonEnvironment('dlt', join(import.meta.dirname, 'peers', 'dlt.txt'));
  if ('missing' in dlt) missing.push({ name: 'dlt', why: dlt.missing });
  else peers.push(dltPeer(join(dlt.bin, 'python'), { source: part, rows: partRows, target }));
  const sling = await goProgram({ name: 'sling', source: 'github.com/slingdata-io/sling-cli/cmd/sling', version: slingVersion }, true);
  if ('missing' in sling) missing.push({ name: 'sling', why: sling.missing });
  else peers.push(slingPeer(sling.path, source, target));
  return { peers, missing };
}

/** What is used where there is no tool: the limit, which looks at nothing and keeps nothing. */
function copyPeer(psql: string, source: string, target: string): RecordsProgram {
  const from = `'${psql}' -qX '${source}' -c 'copy orders to stdout'`;
  const to = `'${psql}' -qX -v ON_ERROR_STOP=1 '${target}' -1 -c 'truncate orders' -c 'copy orders from stdin'`;
  return { name: 'COPY | COPY', command: () => ({ line: ['/bin/sh', '-c', `${from} | ${to}`] }) };
}

/** Reads both sides to their ends, one beside the other, as whoever compares them has to. */
function readingPeer(psql: string, source: string, target: string): RecordsProgram {
  const read = (endpoint: string): string => `'${psql}' -qX '${endpoint}' -c 'copy orders to stdout' > /dev/null`;
  const copy = copyPeer(psql, source, target);
  return { name: 'COPY of both to nowhere', steps: ['first', 'unchanged'], command: (step, memory) => (step === 'first' ? copy.command(step, memory) : { line: ['/bin/sh', '-c', `${read(source)} & ${read(target)}; wait`] }) };
}

function dltPeer(python: string, { source, rows, target }: { readonly source: string; readonly rows: number; readonly target: string }): RecordsProgram {
  const script = join(import.meta.dirname, 'peers', 'dlt-records.py');
  return {
    name: `dlt, of ${rows} rows`, records: rows,
    command: (step, memory) => ({
      line: [python, script, source.replace('postgres:', 'postgresql+psycopg2:'), target.replace('postgres://tester@', 'postgresql://tester:none@'), step === 'first' ? 'replace' : 'merge'],
      environment: { HOME: memory, DLT_DATA_DIR: memory, RUNTIME__DLTHUB_TELEMETRY: 'false', RUNTIME__LOG_LEVEL: 'ERROR' },
    }),
  };
}

function slingPeer(path: string, source: string, target: string): RecordsProgram {
  return {
    name: 'sling',
    command: (step, memory) => ({
      line: [path, 'run', '--src-conn', 'SOURCE', '--src-stream', 'public.orders', '--tgt-conn', 'TARGET', '--tgt-object', 'public.orders', '--mode', step === 'first' ? 'full-refresh' : 'incremental', '--primary-key', 'id', '--update-key', 'modified_at'],
      environment: { HOME: memory, SOURCE: `${source}?sslmode=disable`, TARGET: `${target}?sslmode=disable`, SLING_DISABLE_TELEMETRY: 'true' },
    }),
  };
}

async function versionsOf(psql: string): Promise<{ readonly [name: string]: string }> {
  const dlt = readFileSync(join(import.meta.dirname, 'peers', 'dlt.txt'), 'utf8').match(/^dlt==(.*)$/m)?.[1] ?? '';
  return { psql: (await run(psql, ['--version'])).stdout.trim(), dlt };
}

/** Processor time of a server and of those of its processes that have ended. Of those that run, none has done anything once nobody is connected. */
export function cpuMsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
    // Times of the process and of its children (proc(5), 14 to 17), in hundredths of a second.
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * 10;
  } catch {
    return 0;
  }
}
