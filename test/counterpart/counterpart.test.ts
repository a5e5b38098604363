// Against a server that nobody here wrote: microcosm-flask, whose conventions resource-sync was made for.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createInterface } from 'node:readline';
import { pythonEnvironment } from '../../scripts/python.ts';
import { diff, sync, verify } from '../../src/index.ts';

const environment = await pythonEnvironment('microcosm-flask', join(import.meta.dirname, 'requirements.txt'));
const missing = 'missing' in environment ? environment.missing : undefined;
const required = process.env['SYNCLINE_REQUIRE_SERVICES'] === '1';
if (missing !== undefined) console.error(`microcosm-flask cannot be run: ${missing}`);

const companies = 5;
const people = 10;

class Counterpart implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, port: string) {
    this.#child = child;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(seed: number): Promise<Counterpart> {
    assert.ok('bin' in environment, missing);
    const child = spawn(join(environment.bin, 'python'), ['-B', join(import.meta.dirname, 'server.py'), String(seed)], { stdio: ['pipe', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: child.stdout })) return new Counterpart(child, line);
    throw new Error('microcosm-flask did not start');
  }

  async writes(): Promise<number> {
    return ((await (await fetch(`${this.url}/writes`)).json()) as { writes: number }).writes;
  }

  async get(path: string): Promise<Response> {
    return fetch(`${this.url}${path}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }
}

if (required) {
  test('microcosm-flask can be run where services are required', () => {
    assert.equal(missing, undefined);
  });
}

describe('against microcosm-flask', { skip: missing !== undefined }, () => {
  let folder: string;
  let data: string;
  let origin: Counterpart;
  let target: Counterpart;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'syncline-counterpart-'));
    data = join(folder, 'data');
    [origin, target] = await Promise.all([Counterpart.start(companies), Counterpart.start(0)]);
  });
  after(async () => {
    await origin[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const options = (): { state: string } => ({ state: join(folder, 'state.sqlite') });

  test('the discovery document leads to every resource', async () => {
    const { counts, failures } = await sync(`${origin.url}/api`, data, { ...options(), follow: 'all', limit: 3 });
    assert.deepEqual(failures, []);
    assert.equal(counts.created, companies + people);
    assert.deepEqual(readdirSync(data).toSorted(), ['company', 'person']);
    assert.match(readFileSync(join(data, 'company', 'c1.yaml'), 'utf8'), /^name: Company 1$/m);
    assert.match(readFileSync(join(data, 'person', 'a1-0.yaml'), 'utf8'), /^companyId: c1$/m);
  });

  test('a second capture changes nothing', async () => {
    const { counts } = await sync(`${origin.url}/api`, data, { ...options(), follow: 'all' });
    assert.deepEqual({ ...counts }, { ...counts, created: 0, updated: 0, deleted: 0, unchanged: companies + people });
  });

  test('a replay fills an empty server, parents first', async () => {
    const { counts, failures } = await sync(data, target.url, options());
    assert.deepEqual(failures, []);
    assert.equal(counts.created, companies + people);
    const { name } = (await (await target.get('/api/person/a4-1')).json()) as { name: string };
    assert.equal(name, 'Person 4.1');
  });

  test('a second replay writes nothing, although the server stamps what it is given', async () => {
    const before = await target.writes();
    const { counts } = await sync(data, target.url, options());
    assert.equal(counts.unchanged, companies + people);
    assert.equal(await target.writes(), before);
    assert.ok((await verify(data, target.url, options())).equal);
  });

  test('an edit is found by diff and is all that is written', async () => {
    const file = join(data, 'company', 'c2.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('Company 2', 'Renamed'));
    const keys: string[] = [];
    const planned = await diff(data, target.url, { ...options(), show: (actions) => void keys.push(...actions.map(({ key }) => key)) });
    assert.deepEqual(keys, ['company/c2']);
    assert.equal(planned.differences, 1);
    const before = await target.writes();
    const { counts } = await sync(data, target.url, options());
    assert.equal(counts.updated, 1);
    assert.equal(await target.writes(), before + 1);
    assert.equal(((await (await target.get('/api/company/c2')).json()) as { name: string }).name, 'Renamed');
  });

  test('a foreign change on the server is found and put right', async () => {
    await fetch(`${target.url}/api/company/c3`, { method: 'PUT', body: JSON.stringify({ name: 'Someone else' }) });
    const { counts } = await sync(data, target.url, options());
    assert.equal(counts.updated, 1);
    assert.equal(((await (await target.get('/api/company/c3')).json()) as { name: string }).name, 'Company 3');
  });

  test('with delete, what the files no longer hold is removed, children first', async () => {
    for (const path of ['person/a0-0.yaml', 'person/a0-1.yaml', 'company/c0.yaml']) rmSync(join(data, path));
    const kept = await sync(data, target.url, options());
    assert.equal(kept.counts.deleted, 0);
    const { counts, failures } = await sync(data, target.url, { ...options(), delete: true });
    assert.deepEqual(failures, []);
    assert.equal(counts.deleted, 3);
    assert.equal((await target.get('/api/company/c0')).status, 404);
    assert.equal((await target.get('/api/company/c1')).status, 200);
  });

  test('batches go to the collection as PATCH', async () => {
    await using empty = await Counterpart.start(0);
    const { counts, failures } = await sync(data, empty.url, { ...options(), batchSize: 4 });
    assert.deepEqual(failures, []);
    assert.equal(counts.created, companies + people - 3);
    assert.equal(await empty.writes(), companies + people - 3);
    assert.equal((await sync(data, empty.url, { ...options(), batchSize: 4 })).counts.unchanged, companies + people - 3);
  });
});
