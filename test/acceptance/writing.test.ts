import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { load } from 'js-yaml';
import type { ExampleApi } from '../../examples/api/server.ts';
import { startExampleApi } from '../../examples/api/server.ts';
import { dependencies } from '../../src/core/order.ts';
import { Folder, runCommand } from './command.ts';
import type { Ended, Running } from './command.ts';

/** A resource as an API elsewhere gave it. */
interface Resource {
  readonly type: string;
  readonly id: string | number;
  readonly parents?: readonly string[];
  readonly fields?: object;
}

function documentOf({ type, id, parents = [], fields = {} }: Resource): object {
  const href = (path: string): string => `http://origin.example/api/${path}`;
  return { id, ...fields, _links: { self: { href: href(`${type}/${id}`) }, ...(parents.length > 0 && { 'parent:node': parents.map((parent) => ({ href: href(parent) })) }) } };
}

/** A folder with a directory `data` of resources. */
function folderOf(resources: readonly Resource[]): Folder {
  const folder = new Folder();
  for (const resource of resources) write(folder, `data/${resource.type}/${resource.id}.json`, JSON.stringify(documentOf(resource)));
  return folder;
}

function write(folder: Folder, path: string, text: string): void {
  const file = join(folder.path, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function widgets(...ids: readonly (string | number)[]): readonly Resource[] {
  return ids.map((id) => ({ type: 'widget', id, fields: { name: `widget ${id}` } }));
}

async function replay(args: readonly string[], folder: Folder, api: ExampleApi, running: Partial<Running> = {}): Promise<Ended> {
  return runCommand('resource-sync', [...args, 'data', api.url], { cwd: folder.path, ...running });
}

/** What goes out when these come in at standard input. */
async function passThrough(folder: Folder, documents: readonly object[]): Promise<Ended> {
  return runCommand('resource-sync', ['--json', '-', '-'], { cwd: folder.path, stdin: documents.map((document) => JSON.stringify(document)).join('\n') });
}

function ids({ stdout }: Ended): unknown[] {
  return stdout.trim().split('\n').map((line) => (JSON.parse(line) as { id: unknown }).id);
}

function assertEnded({ code, stdout, stderr }: Ended, expected = 0): void {
  assert.equal(code, expected, `exit ${code}\n${stdout}\n${stderr}`);
}

const family: readonly Resource[] = [
  { type: 'node', id: 7, parents: ['node/5'] }, { type: 'node', id: 3, parents: ['node/2'] }, { type: 'node', id: 5, parents: ['node/1'] }, { type: 'node', id: 1 },
  { type: 'node', id: 6, parents: ['node/5'] }, { type: 'node', id: 2, parents: ['node/1'] }, { type: 'node', id: 4, parents: ['node/2'] },
];

describe('ordering', () => {
  it('R37: parents go before their children, whatever order they came in', async () => {
    using folder = folderOf(family);
    const ended = await passThrough(folder, family.map(documentOf));
    assertEnded(ended);
    assert.deepEqual(ids(ended), [1, 2, 5, 3, 4, 6, 7]);

    await using api = await startExampleApi({ latencyMs: 5 });
    assertEnded(await replay([], folder, api));
    const puts = new Map(api.requests.log.filter(({ method }) => method === 'PUT').map((request) => [request.path, request]));
    for (const { type, id, parents = [] } of family) {
      for (const parent of parents) assert.ok(puts.get(`/api/${type}/${id}`)!.started > puts.get(`/api/${parent}`)!.answered, `${id} was sent after ${parent} had been answered`);
    }
  });

  it('R38: a parent that nobody knows is ignored, and a cycle is named', async () => {
    using folder = folderOf([]);
    const orphan = await passThrough(folder, [documentOf({ type: 'node', id: 1, parents: ['node/99'] })]);
    assertEnded(orphan);
    assert.deepEqual(ids(orphan), [1]);
    for (const members of [[1], [1, 2, 3]]) {
      const circle = members.map((id, i): Resource => ({ type: 'node', id, parents: [`node/${members[(i + 1) % members.length]}`] }));
      const ended = await passThrough(folder, [...circle, { type: 'node', id: 4 }].map(documentOf));
      assertEnded(ended, 1);
      assert.match(ended.stderr, /cycle/);
      for (const id of members) assert.ok(ended.stderr.includes(`node/${id}`), ended.stderr);
      assert.doesNotMatch(ended.stderr, /^\s+at /m);
    }
  });

  it('R39: ids that are numbers and ids that are text have one order', async () => {
    using folder = folderOf([]);
    const mixed = [1, 'a', 10, 2, 'B'].map((id) => documentOf({ type: 'node', id }));
    const first = await passThrough(folder, mixed);
    assertEnded(first);
    assert.equal(ids(first).length, 5);
    assert.deepEqual(ids(await passThrough(folder, mixed.toReversed())), ids(first));
  });

  it('R40: a chain of 5,000 is sorted in time that is linear in its length', async () => {
    const length = 5000;
    using folder = folderOf([]);
    const chain = Array.from({ length }, (_, i): Resource => ({ type: 'node', id: i, ...(i + 1 < length && { parents: [`node/${i + 1}`] }) }));
    const ended = await passThrough(folder, chain.map(documentOf));
    assertEnded(ended);
    assert.deepEqual(ids(ended), Array.from({ length }, (_, i) => length - 1 - i));

    let looks = 0;
    const nodes = Array.from({ length }, (_, i) => ({ key: `node/${i}`, get dependsOn() { looks++; return i + 1 < length ? [`node/${i + 1}`] : []; } }));
    assert.equal(dependencies(nodes).order.length, length);
    assert.ok(looks <= 4 * length, `${looks} looks at ${length} nodes`);
  });
});

describe('writing to HTTP', () => {
  it('R41: each resource is PUT to its own path at the destination, as it is', async () => {
    const resources = [...widgets(1, 2), { type: 'gadget', id: 'x', fields: { size: 12345678901234567890n.toString(), tags: ['ü', null, { deep: true }] } }, { type: 'gadget', id: 'y z' }];
    using folder = folderOf([]);
    for (const { type, id, fields } of resources) write(folder, `data/${type}/${id}.json`, JSON.stringify({ id, ...fields, _links: { self: { href: `http://origin.example/api/${type}/${encodeURIComponent(id)}` } } }));
    await using api = await startExampleApi();
    assertEnded(await replay([], folder, api));
    const puts = api.requests.log.filter(({ method }) => method === 'PUT');
    assert.deepEqual(puts.map(({ path }) => path).sort(), ['/api/gadget/x', '/api/gadget/y%20z', '/api/widget/1', '/api/widget/2']);
    for (const { path, headers, body } of puts) {
      const [, , type, id] = path.split('/');
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers.authorization, undefined);
      assert.deepEqual(JSON.parse(body), JSON.parse(folder.read(`data/${type}/${decodeURIComponent(id!)}.json`)));
    }
  });

  it('R42: a collection that takes PATCH gets batches, and one that does not gets PUTs', async () => {
    for (const patch of [true, false]) {
      await using api = await startExampleApi({ patch });
      using folder = folderOf(widgets(1, 2, 3, 4));
      assertEnded(await replay(['-b', '2'], folder, api));
      assert.equal(Object.keys(api.dump()).length, 4);
      assert.equal(api.requests.count('OPTIONS', '/api/widget'), 1);
      assert.deepEqual([api.requests.count('PATCH', '/api/widget'), api.requests.count('PUT')], patch ? [2, 0] : [0, 4]);
      for (const { body } of api.requests.log.filter(({ method }) => method === 'PATCH')) assert.equal((JSON.parse(body) as { items: unknown[] }).items.length, 2);
    }
  });

  it('R43: a batch goes to the collection, and never to what the addresses begin with', async () => {
    await using api = await startExampleApi({ instancePatch: true, resources: [{ type: 'widget', id: '1', fields: { name: 'one' } }, { type: 'widget', id: '2', fields: { name: 'two' } }] });
    const before = api.dump();
    using folder = folderOf(widgets(10, 11, 12, 20, 21, 30));
    assertEnded(await replay(['-b', '3'], folder, api));
    assert.deepEqual(api.requests.paths('PATCH'), ['/api/widget', '/api/widget']);
    assert.equal(Object.keys(api.dump()).length, 8);
    for (const path of ['/api/widget/1', '/api/widget/2']) assert.deepEqual(api.dump()[path], before[path]);
  });

  it('R44: a batch can be YAML', async () => {
    await using api = await startExampleApi();
    using folder = folderOf(widgets(1, 2, 3));
    assertEnded(await replay(['-b', '3', '-y'], folder, api));
    const [batch] = api.requests.log.filter(({ method }) => method === 'PATCH');
    assert.equal(batch?.headers['content-type'], 'application/yaml');
    assert.deepEqual(load(batch.body), { items: widgets(1, 2, 3).map(documentOf) });
    assert.equal(Object.keys(api.dump()).length, 3);
  });

  it('R45: what fails is named, and what does not depend on it is written', async () => {
    await using api = await startExampleApi({ faults: [{ method: 'PUT', path: '/api/node/3', status: 500, detail: 'the disk is\nfull' }] });
    using folder = folderOf([{ type: 'node', id: 1 }, { type: 'node', id: 2 }, { type: 'node', id: 3 }, { type: 'node', id: 4, parents: ['node/3'] }, { type: 'node', id: 5 }]);
    const ended = await replay([], folder, api);
    assertEnded(ended, 1);
    assert.deepEqual(Object.keys(api.dump()), ['/api/node/1', '/api/node/2', '/api/node/5']);
    assert.match(ended.stderr, /node\/3: PUT http:\/\/127\.0\.0\.1:\d+\/api\/node\/3 .*\(500, the disk is full\)/);
    assert.match(ended.stderr, /node\/4 .*node\/3/);
    assert.doesNotMatch(ended.stderr, /node\/[125]/);
  });

  it('R46: with -m 3 lost connections and servers that are busy for a moment do not matter', async () => {
    await Promise.all([{ reset: 'before', times: 2 }, { reset: 'after', times: 2 }, ...[502, 503, 504, 429].map((status) => ({ status, times: 1 }))].map(async (fault) => {
      for (const attempts of ['3', '1']) {
        await using api = await startExampleApi({ faults: [{ method: 'PUT', ...fault as { status: number } }] });
        using folder = folderOf(widgets(1));
        const ended = await replay(['-m', attempts], folder, api);
        // Where only the answer was lost, a look shows that the resource is there.
        assertEnded(ended, attempts === '3' || 'reset' in fault && fault.reset === 'after' ? 0 : 1);
        assert.equal(Object.keys(api.dump()).length, ended.code === 0 ? 1 : 0);
        if (ended.code === 1) assert.match(ended.stderr, /widget\/1/);
      }
    }));
  });

  it('R47: a PUT that is redirected counts only where it is repeated at the new address', async () => {
    for (const [status, code] of [[301, 1], [302, 1], [303, 1], [307, 0], [308, 0]] as const) {
      await using api = await startExampleApi({ faults: [{ method: 'PUT', times: 1, status, headers: { location: '/api/widget/1' } }] });
      using folder = folderOf(widgets(1));
      const ended = await replay([], folder, api);
      assertEnded(ended, code);
      assert.deepEqual(Object.keys(api.dump()), code === 0 ? ['/api/widget/1'] : []);
      if (code === 1) assert.match(ended.stderr, new RegExp(`redirected to /api/widget/1 \\(${status}`));
    }
  });

  it('R48: credentials go along with every request, so that batches work where one must sign in', async () => {
    await using api = await startExampleApi({ user: { name: 'ada', password: 'secret' } });
    using folder = folderOf(widgets(1, 2, 3, 4));
    assertEnded(await replay(['-b', '4', '--username', 'ada'], folder, api, { stdin: 'secret\n' }));
    assert.deepEqual(api.requests.writes, ['PATCH /api/widget']);
    assert.ok(api.requests.log.every(({ status }) => status < 400 || status === 404));
    assert.equal(Object.keys(api.dump()).length, 4);
  });

  it('R49: --rm removes what the origin no longer has: of the types read, children first, after a complete read', async () => {
    const resources = [{ type: 'node', id: '1', fields: {} }, { type: 'node', id: '2', fields: {} }, { type: 'node', id: '3', parents: { node: 'node/2' }, fields: {} }, { type: 'node', id: '4', fields: {} }, { type: 'other', id: '1', fields: {} }];
    await using api = await startExampleApi({ resources });
    using folder = folderOf([{ type: 'node', id: '1' }, { type: 'node', id: '4' }]);
    write(folder, 'data/node/broken.json', '{');
    assertEnded(await replay(['--rm'], folder, api), 1);
    assert.equal(Object.keys(api.dump()).length, 5);
    rmSync(join(folder.path, 'data/node/broken.json'));
    assertEnded(await replay([], folder, api));
    assert.equal(Object.keys(api.dump()).length, 5);
    assertEnded(await replay(['--rm'], folder, api));
    assert.deepEqual(Object.keys(api.dump()), ['/api/node/1', '/api/node/4', '/api/other/1']);
    assert.deepEqual(api.requests.paths('DELETE'), ['/api/node/3', '/api/node/2']);

    assertEnded(await runCommand('resource-sync', ['--rm', '--json', `${api.url}/api/node`, 'copy'], { cwd: folder.path }));
    write(folder, 'copy/node/5.json', JSON.stringify(documentOf({ type: 'node', id: '5' })));
    assertEnded(await runCommand('resource-sync', ['--rm', '--json', `${api.url}/api/node`, 'copy'], { cwd: folder.path }));
    assert.deepEqual(folder.files('copy'), ['node/1.json', 'node/4.json']);
  });

  it('R50: the path of a destination does not move resources: resource-sync drops it, syncline takes it as what to write', async () => {
    await using api = await startExampleApi();
    using folder = folderOf([...widgets(1, 2), { type: 'gadget', id: 1 }]);
    assertEnded(await runCommand('resource-sync', ['data', `${api.url}/base`], { cwd: folder.path }));
    assert.deepEqual(Object.keys(api.dump()), ['/api/gadget/1', '/api/widget/1', '/api/widget/2']);

    await using other = await startExampleApi();
    assertEnded(await runCommand('syncline', ['sync', 'data', `${other.url}/api/widget`], { cwd: folder.path }));
    assert.deepEqual(Object.keys(other.dump()), ['/api/widget/1', '/api/widget/2']);
  });
});
