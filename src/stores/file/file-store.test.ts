import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Document } from '../../model/document.ts';
import type { Entry } from '../../model/entry.ts';
import { joinKey, splitKey } from '../../model/key.ts';
import { plainHost } from '../../model/plain-host.ts';
import type { Expectation, Outcome, Problem, Write } from '../../model/store.ts';
import { simple } from '../../schema/simple.ts';
import { FileStore } from './file-store.ts';

class Folder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'syncline-test-'));
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** A store on a file that holds this text. */
  open(name: string, text?: string): FileStore {
    if (text !== undefined) writeFileSync(join(this.path, name), text);
    return new FileStore(join(this.path, name), plainHost, { schema: simple, missing: 'empty' });
  }

  text(name: string): string {
    return readFileSync(join(this.path, name), 'utf8');
  }
}

function thing(id: string, fields: Document = {}): Document {
  return { id, type: 'thing', uri: `/api/thing/${/^\.+$/.test(id) ? 'dots' : ''}${encodeURIComponent(id)}`, ...fields };
}

function put(id: string, fields: Document = {}, expect?: Expectation): Write {
  return { kind: 'put', entry: { key: joinKey(['thing', id]), content: { kind: 'document', document: thing(id, fields) } }, ...(expect && { expect }) };
}

function remove(id: string): Write {
  return { kind: 'delete', ref: { key: `thing/${id}` } };
}

async function scan(store: FileStore): Promise<{ entries: Entry[]; problems: Problem[]; keys: string[] }> {
  const found = { entries: [] as Entry[], problems: [] as Problem[] };
  for await (const { entries, problems = [] } of store.scan({ want: 'content' })) {
    found.entries.push(...entries);
    found.problems.push(...problems);
  }
  return { ...found, keys: found.entries.map(({ key }) => splitKey(key)[1] ?? '') };
}

function kinds(outcomes: readonly Outcome[]): string[] {
  return outcomes.map((outcome) => (outcome.kind === 'failed' ? outcome.error.message : outcome.kind));
}

const yaml = '---\nid: a\ntype: thing\nuri: /api/thing/a\n';

test('documents are written one after the other, in a list, or one to a line', async () => {
  using folder = new Folder();
  const line = (id: string): string => `{"id": "${id}", "type": "thing", "uri": "/api/thing/${id}"}`;
  for (const [name, text] of [['x.yaml', `${yaml}${yaml.replaceAll('a\n', 'b\n')}`], ['x.json', `[\n${line('a')},\n${line('b')}\n]\n`], ['x.ndjson', `${line('a')}\n${line('b')}\n`]] as const) {
    await folder.open(name).write([put('b'), put('a')]);
    assert.equal(folder.text(name), text);
    await folder.open(name).write([remove('a'), remove('b')]);
    assert.deepEqual((await scan(folder.open(name))).keys, []);
    await folder.open(name).write([put('b'), put('a')]);
    assert.equal(folder.text(name), text);
  }
});

test('new documents come in key order, parents first', async () => {
  using folder = new Folder();
  const store = folder.open('x.ndjson');
  const child = (id: string, parent: string): Write => {
    const write = put(id, { parents: [`/api/thing/${parent}`] }) as Write & { kind: 'put' };
    return { ...write, entry: { ...write.entry, address: `/api/thing/${id}`, dependsOn: [`/api/thing/${parent}`] } };
  };
  const root = put('z') as Write & { kind: 'put' };
  await store.write([child('a', 'm'), put('b'), child('m', 'z'), { ...root, entry: { ...root.entry, address: '/api/thing/z' } }, child('x', 'y'), child('y', 'x')]);
  assert.deepEqual((await scan(store)).keys, ['z', 'm', 'a', 'b', 'y', 'x']);
});

test('a file that holds what is written is not touched', async () => {
  using folder = new Folder();
  const text = `# ours\n${yaml}# between\n--- {id: b, type: thing, uri: /api/thing/b}\n`;
  const store = folder.open('x.yaml', text);
  const before = statSync(join(folder.path, 'x.yaml'), { bigint: true });
  assert.deepEqual(kinds(await store.write([put('a'), put('b'), remove('c')])), ['done', 'done', 'done']);
  const after = statSync(join(folder.path, 'x.yaml'), { bigint: true });
  assert.deepEqual([after.ino, after.ctimeNs], [before.ino, before.ctimeNs]);
});

test('what is not written keeps its bytes and its place, comments included', async () => {
  using folder = new Folder();
  const [head, one, three] = ['# head\n%YAML 1.1\n', '---   # one\nid:   a\ntype: "thing"\nuri: /api/thing/a   # here\n...\n', '--- {id: c, type: thing,\n uri: /api/thing/c}\n'];
  const store = folder.open('x.yaml', `${head}${one}---\nid: b\ntype: thing\nuri: /api/thing/b\nsize: 1 # m\n${three.trimEnd()}`);
  assert.deepEqual(kinds(await store.write([put('b', { size: 2 }), put('d')])), ['done', 'done']);
  assert.equal(folder.text('x.yaml'), `${head}${one}---\nid: b\nsize: 2 # m\ntype: thing\nuri: /api/thing/b\n${three}${yaml.replaceAll('a\n', 'd\n')}`);
  assert.deepEqual((await scan(folder.open('x.yaml'))).keys, ['a', 'b', 'c', 'd']);
});

test('documents that only end with dots stay apart when the one before them is rewritten or removed', async () => {
  using folder = new Folder();
  const bare = (id: string): string => `id: ${id}\ntype: thing\nuri: /api/thing/${id}\n`;
  for (const write of [put('a', { size: 1 }), remove('a')]) {
    const store = folder.open('x.yaml', `${bare('a')}...\n${bare('b')}...\n%YAML 1.1\n---\n${bare('c')}`);
    assert.deepEqual(kinds(await store.write([write])), ['done']);
    assert.deepEqual(kinds(await store.write([put('c', { size: 3 })])), ['done']);
    assert.deepEqual(kinds(await store.write([put('b', { size: 2 })])), ['done']);
    const { entries, problems } = await scan(folder.open('x.yaml'));
    assert.deepEqual(problems, []);
    assert.deepEqual(entries.map(({ key }) => key), write.kind === 'put' ? ['thing/a', 'thing/b', 'thing/c'] : ['thing/b', 'thing/c']);
  }
});

test('bad documents are problems that name file and line, and the others are read', async () => {
  using folder = new Folder();
  const store = folder.open('x.yaml', `${yaml}---\nid: [\n---\n- 1\n---\nname: nobody\n---\n# nothing\n${yaml.replaceAll('a\n', 'b\n')}---\n`);
  const { keys, problems } = await scan(store);
  assert.deepEqual(keys, ['a', 'b']);
  assert.deepEqual(problems.map(({ place }) => place.slice(folder.path.length + 1)), ['x.yaml:5', 'x.yaml:7', 'x.yaml:9']);
  assert.match(problems[0]!.error.message, /x\.yaml:[67]: /);
  assert.match(problems[2]!.error.message, /x\.yaml:9: .* it has no id$/);
  await store.write([put('a', { size: 1 }), put('c')]);
  assert.match(folder.text('x.yaml'), /^---\nid: \[\n---\n- 1\n---\nname: nobody\n---\n# nothing$/m);
});

test('a bad line or value of JSON is a problem with its line; a broken list is refused as a whole', async () => {
  using folder = new Folder();
  const line = (id: string): string => JSON.stringify(thing(id));
  const lines = await scan(folder.open('x.ndjson', `${line('a')}\n\n{"id": \n${line('b')}`));
  assert.deepEqual([lines.keys, lines.problems.map(({ place }) => place.split(':').at(-1))], [['a', 'b'], ['3']]);
  const values = await scan(folder.open('x.json', `\uFEFF[\n${line('a')},\n{"id": tru},\n${line('b')}]`));
  assert.deepEqual([values.keys, values.problems.map(({ place }) => place.split(':').at(-1))], [['a', 'b'], ['3']]);
  for (const text of [`[${line('a')} ${line('b')}]`, `[${line('a')}`, `[${line('a')}] 1`, `{"id": "a`]) await assert.rejects(scan(folder.open('x.json', text)), { code: 'corrupt' }, text);
});

test('a document that is not UTF-8 is a problem with its line, and is not read with other characters in its place', async () => {
  using folder = new Folder();
  const texts = {
    'a.yaml': '---\nid: 1\ntype: t\nuri: /t/1\n---\nid: 2\ntype: t\nuri: /t/2\nname: \xff\n',
    'a.json': '[{"id":1,"type":"t","uri":"/t/1"},\n{"id":2,"type":"t","uri":"/t/2",\n"name":"\xff"}]',
    'a.ndjson': '{"id":1,"type":"t","uri":"/t/1"}\n{"id":2,"type":"t","uri":"/t/2","name":"\xff"}\n',
  };
  for (const [[name, text], line] of Object.entries(texts).map((each, i) => [each, [9, 3, 2][i]] as const)) {
    writeFileSync(join(folder.path, name), Buffer.from(text, 'latin1'));
    await using store = folder.open(name);
    const { keys, problems } = await scan(store);
    assert.deepEqual(keys, ['1']);
    assert.deepEqual(problems.map(({ error }) => error.message.replace(folder.path, '')), [`/${name}:${line}: the text is not UTF-8`]);
  }
});

test('a JSON file may hold one document, values in a row, or a list', async () => {
  using folder = new Folder();
  const text = (id: string): string => JSON.stringify(thing(id), undefined, 1);
  for (const [before, list] of [[text('a'), false], [`${text('a')}${text('b')} ${text('c')}`, true], [`[${text('a')}, ${text('b')}]`, true], ['', true], ['[ ]', true]] as const) {
    const store = folder.open('x.json', before);
    const { keys } = await scan(store);
    assert.deepEqual(kinds(await store.write([put('a', { size: 1 })])), ['done']);
    assert.equal(folder.text('x.json').startsWith('['), list, before);
    assert.deepEqual((await scan(folder.open('x.json'))).keys, keys.length === 0 ? ['a'] : keys);
  }
});

test('a document that comes twice is read once: without a word if it is the same, else as a problem that names both lines', async () => {
  using folder = new Folder();
  const same = folder.open('x.yaml', yaml + yaml);
  assert.deepEqual([(await scan(same)).keys, (await scan(same)).problems], [['a'], []]);
  const store = folder.open('y.yaml', `${yaml}---\nid: a\ntype: thing\nuri: /api/thing/a\nsize: 1\n`);
  const { keys, problems } = await scan(store);
  assert.deepEqual(keys, ['a']);
  assert.match(problems[0]!.error.message, /y\.yaml:5 holds thing\/a, which line 1 holds differently/);
  assert.equal((await store.write([put('a', {}, { absent: true })]))[0]?.kind, 'stale');
  assert.equal((await scan(store)).problems.length, 1);
  await store.write([put('a', { size: 2 })]);
  assert.deepEqual([(await scan(store)).keys, (await scan(store)).problems], [['a'], []]);
});

test('a change by someone else between two batches is seen, and not undone', async () => {
  using folder = new Folder();
  const store = folder.open('x.yaml');
  await store.write([put('a'), put('b')]);
  const [a] = await store.read([{ key: 'thing/a' }]);
  const file = openSync(join(folder.path, 'x.yaml'), 'a');
  writeSync(file, yaml.replaceAll('a\n', 'foreign\n'));
  closeSync(file);
  assert.deepEqual(kinds(await store.write([put('a', { size: 1 }, { version: a!.version! }), put('foreign', {}, { absent: true })])), ['done', 'stale']);
  assert.deepEqual((await scan(store)).keys, ['a', 'b', 'foreign']);
});

test('a document without identity, or with that of another, is refused', async () => {
  using folder = new Folder();
  const store = folder.open('x.yaml');
  const content = { kind: 'document', document: { name: 'x' } } as const;
  const outcomes = await store.write([{ kind: 'put', entry: { key: 'a', content } }, { kind: 'put', entry: { key: 'thing/b', content: { kind: 'document', document: thing('a') } } }]);
  assert.match(kinds(outcomes)[0]!, /x\.yaml cannot keep documents that have no id, because they are known there by what they hold/);
  assert.match(kinds(outcomes)[1]!, /a document that says it is thing\/a cannot be kept as thing\/b/);
  assert.equal(existsSync(join(folder.path, 'x.yaml')), false);
});

test('a missing file is refused as a source; as a target it and its directories are made by the first write', async () => {
  using folder = new Folder();
  const path = join(folder.path, 'not', 'there', 'x.yaml');
  await assert.rejects(Array.fromAsync(new FileStore(path, plainHost, { schema: simple }).scan()), { code: 'not-found', message: `${path} does not exist` });
  const store = new FileStore(path, plainHost, { schema: simple, missing: 'empty' });
  assert.deepEqual(await Array.fromAsync(store.scan()), []);
  await store.write([remove('a')]);
  assert.deepEqual(readdirSync(folder.path), []);
  await store.write([put('a')]);
  assert.equal(readFileSync(path, 'utf8'), yaml);
});

test('what is no file is refused by name, and a link is written through', async () => {
  using folder = new Folder();
  mkdirSync(join(folder.path, 'dir.yaml'));
  execFileSync('mkfifo', [join(folder.path, 'pipe.yaml')]);
  assert.throws(() => folder.open('dir.yaml'), { code: 'invalid', message: /dir\.yaml is a directory$/ });
  assert.throws(() => folder.open('pipe.yaml'), { code: 'invalid', message: /pipe\.yaml is no ordinary file$/ });
  assert.throws(() => folder.open('x.txt'), { code: 'invalid', message: /does not say what it holds/ });
  folder.open('x.yaml', '');
  symlinkSync('x.yaml', join(folder.path, 'link.yaml'));
  const link = folder.open('link.yaml');
  assert.equal(link.identity, folder.open('x.yaml').identity);
  await link.write([put('a')]);
  assert.equal(folder.text('x.yaml'), yaml);
  assert.deepEqual(readdirSync(folder.path).toSorted(), ['dir.yaml', 'link.yaml', 'pipe.yaml', 'x.yaml']);
});

test('a file that cannot be opened is a sentence with its name', { skip: process.platform === 'win32' }, async () => {
  using folder = new Folder();
  const loop = join(folder.path, 'loop.yaml');
  symlinkSync(loop, loop);
  assert.throws(() => folder.open('loop.yaml'), { code: 'invalid', message: `cannot look at ${loop}: a symbolic link is in the way` });
  const secret = folder.open('secret.yaml', yaml);
  chmodSync(join(folder.path, 'secret.yaml'), 0);
  // Nothing is forbidden to root.
  if (process.getuid?.() !== 0) await assert.rejects(scan(secret), { code: 'denied', message: `cannot read ${join(folder.path, 'secret.yaml')}: permission denied` });
});

test('many batches of many documents come out whole, also such as are larger than what is read at once', async () => {
  for (const name of ['x.yaml', 'x.json', 'x.ndjson']) {
    using folder = new Folder();
    const store = folder.open(name);
    const texts = ['', 'line\n'.repeat(20), 'long '.repeat(500_000)];
    const all = Array.from({ length: 900 }, (_, i) => put(String(i).padStart(3, '0'), { text: texts[i % 300 === 7 ? 2 : i % 2]! }));
    for (let at = 0; at < all.length; at += 300) assert.ok((await store.write(all.slice(at, at + 300))).every(({ kind }) => kind === 'done'));
    await store.write([put('007', { text: 'short' }), remove('300'), put('899', { text: texts[2]! })]);
    for (const one of [store, folder.open(name)]) {
      const { entries, problems } = await scan(one);
      assert.deepEqual(problems, []);
      assert.deepEqual(entries.map(({ key }) => key), all.flatMap((write) => (write.kind === 'put' && write.entry.key !== 'thing/300' ? [write.entry.key] : [])));
      const wanted = entries.map(({ key }, i) => (i % 40 === 7 ? key : undefined)).filter((key) => key !== undefined);
      assert.deepEqual((await one.read(wanted.map((key) => ({ key })))).map((entry) => entry?.content), entries.filter(({ key }) => wanted.includes(key)).map(({ content }) => content));
    }
  }
});

test('a process that is killed while it writes leaves the file whole, old or new', async () => {
  for (const afterMs of [0, 5, 17]) {
    using folder = new Folder();
    const program = `
      import { FileStore } from ${JSON.stringify(new URL('./file-store.ts', import.meta.url).href)};
      import { simple } from ${JSON.stringify(new URL('../../schema/simple.ts', import.meta.url).href)};
      import { plainHost } from ${JSON.stringify(new URL('../../model/plain-host.ts', import.meta.url).href)};
      const store = new FileStore(${JSON.stringify(join(folder.path, 'x.yaml'))}, plainHost, { schema: simple });
      for (let round = 0; ; round++) {
        await store.write(Array.from({ length: 200 }, (_, i) => ({ kind: 'put', entry: { key: 'thing/' + i, content: { kind: 'document', document: { id: String(i), type: 'thing', uri: '/api/thing/' + i, round } } } })));
        if (round === 0) process.stdout.write('ready');
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    child.kill('SIGKILL');
    await once(child, 'close');
    const { entries, problems } = await scan(folder.open('x.yaml'));
    assert.deepEqual(problems, []);
    assert.equal(entries.length, 200);
    assert.equal(new Set(entries.map(({ content }) => (content?.kind === 'document' ? content.document['round'] : undefined))).size, 1);
  }
});
