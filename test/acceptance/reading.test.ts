import assert from 'node:assert/strict';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { Folder, runCommand } from './command.ts';
import type { Ended, Running } from './command.ts';
import { readingServer, resource, send, widgetPages } from './reading-server.ts';

/** Runs `resource-sync` into a folder `data` and says what it did. */
async function capture(args: readonly string[], folder: Folder, running: Partial<Running> = {}): Promise<Ended> {
  return runCommand('resource-sync', [...args, 'data'], { cwd: folder.path, ...running });
}

function fooPages(origin: string): Parameters<Awaited<ReturnType<typeof readingServer>>['add']>[0] {
  const item = (id: number): object => resource(`${origin}/api/foo/${id}`, { name: `foo ${id}` });
  return {
    '/api/foo': { items: [item(1), item(2)], _links: { self: { href: `${origin}/api/foo?offset=0&limit=2` }, next: { href: `${origin}/api/foo?offset=2&limit=2` } } },
    '/api/foo?offset=2&limit=2': { items: [item(3), item(4)], _links: { self: { href: `${origin}/api/foo?offset=2&limit=2` }, prev: { href: `${origin}/api/foo?offset=0&limit=2` } } },
  };
}

function ids(stdout: string): unknown[] {
  return stdout.trim().split('\n').filter((line) => line !== '').map((line) => (JSON.parse(line) as { id: unknown }).id);
}

function assertEnded({ code, stdout, stderr }: Ended, expected = 0): void {
  assert.equal(code, expected, `exit ${code}\n${stdout}\n${stderr}`);
}

describe('reading', () => {
  it('R1: a collection of two pages gives its four resources in order, and not itself', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add(fooPages(server.origin));
    const ended = await runCommand('resource-sync', ['--json', `${server.origin}/api/foo`, '-'], { cwd: folder.path });
    assertEnded(ended);
    assert.deepEqual(ids(ended.stdout), ['1', '2', '3', '4']);
  });

  it('R2: one instance with -n gives one file', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add({ '/api/foo/1': resource('/api/foo/1') });
    assertEnded(await capture(['-n', `${server.origin}/api/foo/1`], folder));
    assert.deepEqual(folder.files('data'), ['foo/1.yaml']);
  });

  it('R3: a document with an id and two items gives three resources, the outer first', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add({ '/api/foo/1': resource('/api/foo/1', { items: [resource('/api/foo/2'), resource('/api/foo/3')] }) });
    const ended = await runCommand('resource-sync', ['--json', `${server.origin}/api/foo/1`, '-'], { cwd: folder.path });
    assertEnded(ended);
    assert.deepEqual(ids(ended.stdout), ['1', '2', '3']);
  });

  it('R4: a child is read with -c and left alone without', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add({
      '/api/foo/1': resource('/api/foo/1', { links: { 'child:bar': { href: `${server.origin}/api/bar/1` } } }),
      '/api/bar/1': resource('/api/bar/1', { links: { 'parent:foo': { href: `${server.origin}/api/foo/1` } } }),
    });
    const ended = await runCommand('resource-sync', ['-c', '--json', `${server.origin}/api/foo/1`, '-'], { cwd: folder.path });
    assertEnded(ended);
    const types = ended.stdout.trim().split('\n').map((line) => /"self": \{"href": "\/api\/(\w+)/.exec(line)?.[1]);
    assert.deepEqual(types, ['foo', 'bar']);
    assertEnded(await capture([`${server.origin}/api/foo/1`], folder));
    assert.deepEqual(folder.files('data'), ['foo/1.yaml']);
  });

  it('R5: each resource is one YAML file named after its type and id', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add(fooPages(server.origin));
    assertEnded(await capture([`${server.origin}/api/foo`], folder));
    assert.deepEqual(folder.files('data'), ['foo/1.yaml', 'foo/2.yaml', 'foo/3.yaml', 'foo/4.yaml']);
    assert.match(folder.read('data/foo/1.yaml'), /^name: foo 1$/m);
  });

  it('R6: with --json each is one line of JSON with sorted keys', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add({ '/api/foo/1': resource('/api/foo/1', { name: 'caf\u00e9', b: 1, a: [1, { z: 1, y: 2 }] }) });
    assertEnded(await capture(['--json', `${server.origin}/api/foo/1`], folder));
    assert.deepEqual(folder.files('data'), ['foo/1.json']);
    assert.equal(folder.read('data/foo/1.json'), '{"_links": {"self": {"href": "/api/foo/1"}}, "a": [1, {"y": 2, "z": 1}], "b": 1, "id": "1", "name": "caf\\u00e9"}\n');
  });

  it('R7: -l is asked for in a header of every GET', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add(fooPages(server.origin));
    assertEnded(await capture(['-l', '10', `${server.origin}/api/foo`], folder));
    assert.deepEqual(server.asked.map(({ headers }) => headers['x-request-limit']), ['10', '10']);
  });

  it('R8: 25 resources in pages of 10 take 3 GETs', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add(widgetPages(server.origin, { count: 25, limit: 10 }));
    assertEnded(await capture(['-l', '10', `${server.origin}/api/widget`], folder));
    assert.equal(folder.files('data').length, 25);
    assert.deepEqual(server.asked.map(({ path }) => path), ['/api/widget', '/api/widget?offset=10&limit=10', '/api/widget?offset=20&limit=10']);
  });

  it('R9: -n gives the first page', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add(widgetPages(server.origin, { count: 25, limit: 10 }));
    assertEnded(await capture(['-n', '-l', '10', `${server.origin}/api/widget`], folder));
    assert.equal(folder.files('data').length, 10);
  });

  it('R10: from a discovery document -a reads every collection, and -p nothing', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add({
      '/api': { _links: { self: { href: `${server.origin}/api?offset=0&limit=20` }, search: [{ href: `${server.origin}/api/foo`, type: 'foo' }, { href: `${server.origin}/api/widget`, type: 'widget' }] } },
      ...fooPages(server.origin), ...widgetPages(server.origin, { count: 25, limit: 10 }),
    });
    assertEnded(await capture(['-p', `${server.origin}/api`], folder));
    assert.deepEqual(folder.files('data'), []);
    assertEnded(await capture(['-a', `${server.origin}/api`], folder));
    assert.equal(folder.files('data/foo').length, 4);
    assert.equal(folder.files('data/widget').length, 25);
    assert.equal(new Set(server.asked.map(({ path }) => path)).size, server.asked.length - 1);
  });

  it('R11: pages that lead back to the first come to an end', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add({
      '/api/foo': { items: [resource('/api/foo/1')], _links: { next: { href: '/api/foo?page=2' } } },
      '/api/foo?page=2': { items: [resource('/api/foo/2')], _links: { next: { href: '/api/foo' } } },
    });
    assertEnded(await capture([`${server.origin}/api/foo`], folder));
    assert.equal(folder.files('data').length, 2);
    assert.equal(server.asked.length, 2);
  });

  it('R12: JSON is known by any of its content types', async () => {
    for (const type of ['application/json; charset=utf-8', 'application/hal+json', 'application/vnd.api+json;v=1', 'text/json']) {
      await using server = await readingServer({ type });
      using folder = new Folder();
      server.add({ '/api/foo/1': resource('/api/foo/1') });
      assertEnded(await capture([`${server.origin}/api/foo/1`], folder));
      assert.deepEqual(folder.files('data'), ['foo/1.yaml'], type);
    }
  });

  it('R13: what is _embedded is read', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add({ '/api/foo': { _embedded: { foo: [resource('/api/foo/1'), resource('/api/foo/2')], bar: resource('/api/bar/3') } } });
    assertEnded(await capture([`${server.origin}/api/foo`], folder));
    assert.deepEqual(folder.files('data'), ['bar/3.yaml', 'foo/1.yaml', 'foo/2.yaml']);
  });

  it('R14: relative links are followed from where they were found', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add({
      '/start': (_, response) => { response.writeHead(302, { location: '/api/foo' }).end(); },
      '/api/foo': { items: [resource('/api/foo/1')], _links: { next: { href: '/api/foo?offset=2' } } },
      '/api/foo?offset=2': { items: [resource('/api/foo/2')], _links: { next: { href: '?offset=4' } } },
      '/api/foo?offset=4': { items: [resource('/api/foo/3')], _links: { next: { href: 'foo?offset=6' } } },
      '/api/foo?offset=6': { items: [resource('/api/foo/4')] },
    });
    assertEnded(await capture([`${server.origin}/start`], folder));
    assert.equal(folder.files('data').length, 4);
  });

  it('R15: links that are null, text or without href are passed over, with a word under -v', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add({ '/api/foo/1': resource('/api/foo/1', { links: { 'next': null, 'child:bar': 'bar', 'child:baz': { title: 'x' }, 'child:list': [null, { href: '/api/bar/1' }] } }), '/api/bar/1': resource('/api/bar/1') });
    const quiet = await capture(['-c', `${server.origin}/api/foo/1`], folder);
    assertEnded(quiet);
    assert.doesNotMatch(quiet.stderr, /child:baz/);
    assert.deepEqual(folder.files('data'), ['bar/1.yaml', 'foo/1.yaml']);
    const verbose = await capture(['-v', '-c', `${server.origin}/api/foo/1`], folder);
    assertEnded(verbose);
    for (const relation of ['next', 'child:bar', 'child:baz', 'child:list']) assert.ok(verbose.stderr.includes(relation), relation);
  });

  it('R16: a resource may have items of its own', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add({ '/api/foo/1': resource('/api/foo/1', { items: ['a', 'b'] }), '/api/foo/2': resource('/api/foo/2', { items: null }) });
    assertEnded(await capture([`${server.origin}/api/foo/1`, `${server.origin}/api/foo/2`], folder));
    assert.match(folder.read('data/foo/1.yaml'), /^items:\n\s*- a\n\s*- b$/m);
  });

  it('R17: an embedded item that is no resource is named, and the others are kept', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add({ '/api/foo': { items: [resource('/api/foo/1'), { id: '2' }, 'three', resource('/api/foo/4')] } });
    const ended = await capture([`${server.origin}/api/foo`], folder);
    assertEnded(ended, 1);
    assert.deepEqual(folder.files('data'), ['foo/1.yaml', 'foo/4.yaml']);
    assert.ok(ended.stderr.includes(`item 1 of ${server.origin}/api/foo`), ended.stderr);
    assert.ok(ended.stderr.includes(`item 2 of ${server.origin}/api/foo`), ended.stderr);
  });

  it('R18: templated links are left alone', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add({ '/api/foo/1': resource('/api/foo/1', { links: { find: { href: '/api/foo{?id}', templated: true }, curies: [{ name: 'c', href: '/rels/{rel}', templated: true }] } }) });
    assertEnded(await capture(['-a', `${server.origin}/api/foo/1`], folder));
    assert.equal(server.asked.length, 1);
  });

  it('R19: one broken child is listed, and the others are written', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add({ '/api/foo/1': resource('/api/foo/1', { links: { 'child:bar': [{ href: '/api/bar/1' }, { href: '/api/bar/2' }, { href: '/api/bar/3' }] } }), '/api/bar/1': resource('/api/bar/1'), '/api/bar/3': resource('/api/bar/3') });
    const ended = await capture(['-c', `${server.origin}/api/foo/1`], folder);
    assertEnded(ended, 1);
    assert.deepEqual(folder.files('data'), ['bar/1.yaml', 'bar/3.yaml', 'foo/1.yaml']);
    assert.ok(ended.stderr.includes(`${server.origin}/api/bar/2`), ended.stderr);
  });

  it('R20: with -m 3 one reset or one 503 does not matter', async () => {
    for (const fail of ['reset', '503']) {
      await using server = await readingServer();
      using folder = new Folder();
      let failures = 0;
      server.add({
        '/api/foo/1': (request, response) => {
          if (failures++ > 0) send(response, 200, resource('/api/foo/1'));
          else if (fail === '503') send(response, 503, {});
          else request.socket.resetAndDestroy();
        },
      });
      assert.notEqual((await capture(['-m', '1', `${server.origin}/api/foo/1`], folder)).code, 0);
      failures = 0;
      assertEnded(await capture(['-m', '3', `${server.origin}/api/foo/1`], folder));
      assert.deepEqual(folder.files('data'), ['foo/1.yaml'], fail);
    }
  });

  it('R21: a server that never answers is given up on', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add({ '/api/foo/1': () => {} });
    const ended = await runCommand('syncline', ['sync', '--timeout', '0.2', '--max-attempts', '1', `${server.origin}/api/foo/1`, 'data'], { cwd: folder.path });
    assertEnded(ended, 3);
    assert.ok(ended.stderr.includes(`no answer in time from ${server.origin}/api/foo/1`), ended.stderr);
  });

  it('R22: credentials go to the server they are for, and to no other', async () => {
    await using server = await readingServer();
    await using other = await readingServer({ host: '127.0.0.2' });
    using folder = new Folder();
    server.add({ '/api/foo/1': resource('/api/foo/1', { links: { elsewhere: [{ href: `${other.origin}/api/bar/1` }, { href: '/moved' }] } }), '/moved': (_, response) => { response.writeHead(302, { location: `${other.origin}/api/bar/2` }).end(); } });
    other.add({ '/api/bar/1': resource('/api/bar/1'), '/api/bar/2': resource('/api/bar/2') });
    const ended = await capture(['-a', '--username', 'user', `${server.origin}/api/foo/1`], folder, { stdin: 'pass\n', environment: { SYNCLINE_HEADER_X_KEY: 'key' } });
    assertEnded(ended);
    const basic = `Basic ${Buffer.from('user:pass').toString('base64')}`;
    assert.deepEqual(server.asked.map(({ headers }) => [headers.authorization, headers['x-key']]), [[basic, 'key'], [basic, 'key']]);
    assert.deepEqual(other.asked.map(({ headers }) => [headers.authorization, headers['x-key']]), [[undefined, undefined], [undefined, undefined]]);
    assert.deepEqual(folder.files('data'), ['bar/1.yaml', 'bar/2.yaml', 'foo/1.yaml']);
  });

  it('R23: a date in a YAML answer stays the text it is', async () => {
    await using server = await readingServer({ type: 'application/yaml' });
    using folder = new Folder();
    server.add({ '/api/foo/1': "id: '1'\nwhen: 2020-01-02\n_links:\n  self:\n    href: /api/foo/1\n" });
    assertEnded(await capture(['--json', `${server.origin}/api/foo/1`], folder));
    assert.equal((JSON.parse(folder.read('data/foo/1.json')) as { when: unknown }).when, '2020-01-02');
  });
});

describe('reading again', () => {
  it('asks whether a page has changed instead of for the page', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    server.add({
      '/api/foo': (request, response) => {
        const known = request.headers['if-none-match'] === '"1"';
        response.writeHead(known ? 304 : 200, { 'content-type': 'application/json', 'etag': '"1"' });
        response.end(known ? '' : JSON.stringify({ items: [resource('/api/foo/1')] }));
      },
    });
    for (let run = 0; run < 2; run++) assertEnded(await runCommand('syncline', ['sync', `${server.origin}/api/foo`, 'data'], { cwd: folder.path }));
    assert.deepEqual(folder.files('data'), ['foo/1.yaml']);
    assert.deepEqual(server.asked.map(({ headers }) => headers['if-none-match']), [undefined, '"1"']);
  });
});

describe('reading what cannot be read', () => {
  it('says what, where and what to do', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    const at = (path: string): string => `${server.origin}${path}`;
    server.add({
      '/401': (_, response) => send(response, 401, { message: 'who is there? Bearer hush' }),
      '/403': (_, response) => send(response, 403, {}),
      '/429': (_, response) => { response.writeHead(429, { 'retry-after': '1' }).end(); },
      '/500': (_, response) => send(response, 500, { message: 'out of paper' }),
      '/html': (_, response) => send(response, 200, '<p>hello</p>', 'text/html'),
      '/invalid': (_, response) => send(response, 200, '{\n"a": 1,\n"b": }'),
      '/invalid-yaml': (_, response) => send(response, 200, 'a: 1\nb: [', 'text/yaml'),
      '/empty': (_, response) => send(response, 200, ''),
      '/charset': (_, response) => send(response, 200, '{}', 'application/json; charset=klingon'),
      '/half': (_, response) => { response.writeHead(200, { 'content-length': '100' }).write('{"items": ['); setImmediate(() => response.destroy()); },
      '/loop': (_, response) => { response.writeHead(302, { location: '/loop' }).end(); },
    });
    const cases: readonly (readonly [path: string, code: number, said: RegExp])[] = [
      ['/401', 3, /without valid credentials \(401, who is there\? \*\*\*\): .*SYNCLINE_TOKEN/], ['/403', 3, /is not allowed \(403\)/], ['/404', 3, /finds nothing \(404, no such thing\)/],
      ['/429', 3, /too often/], ['/500', 3, /fails on the server \(500, out of paper\)/], ['/html', 2, /text\/html, which is neither JSON nor YAML/],
      ['/invalid', 2, /\/invalid:3/], ['/invalid-yaml', 2, /\/invalid-yaml:2/], ['/empty', 2, /answers with nothing/], ['/charset', 2, /klingon/],
      ['/half', 3, /broke in the middle of the answer/], ['/loop', 2, /redirects more than/],
    ];
    await Promise.all(cases.map(async ([path, code, said]) => {
      const ended = await runCommand('syncline', ['sync', '--max-attempts', '1', at(path), 'data'], { cwd: folder.path, environment: { SYNCLINE_TOKEN: 'hush' } });
      assertEnded(ended, code);
      assert.match(ended.stderr, said);
      assert.ok(ended.stderr.includes(at(path)), ended.stderr);
      assert.doesNotMatch(ended.stderr, /hush|^\s+at /m);
    }));
    assert.deepEqual(folder.files('data'), []);
  });

  it('says so where there is no server, no host and no TLS', async () => {
    await using server = await readingServer();
    using folder = new Folder();
    const closed = createTcpServer();
    closed.listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const cases: readonly (readonly [url: string, said: RegExp])[] = [
      [`http://user:hush@127.0.0.1:${port}/`, /cannot connect to 127\.0\.0\.1:\d+: nothing listens there/],
      ['http://no-such-host.invalid/api', /cannot connect to no-such-host\.invalid/],
      [`${server.origin.replace('http:', 'https:')}/`, /no secure connection to 127\.0\.0\.1:\d+: it does not speak TLS there/],
    ];
    await Promise.all(cases.map(async ([url, said]) => {
      const ended = await runCommand('syncline', ['sync', '--max-attempts', '1', url, 'data'], { cwd: folder.path });
      assertEnded(ended, 3);
      assert.match(ended.stderr, said);
      assert.doesNotMatch(ended.stderr, /hush|^\s+at /m);
    }));
  });
});
