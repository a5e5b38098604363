import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import type { Document } from '../../model/document.ts';
import type { Entry } from '../../model/entry.ts';
import { joinKey } from '../../model/key.ts';
import type { Host } from '../../model/host.ts';
import { plainHost } from '../../model/plain-host.ts';
import type { Expectation, Outcome, Problem, Store, Write } from '../../model/store.ts';
import { hal } from '../../schema/hal.ts';
import { simple } from '../../schema/simple.ts';
import { testStore } from '../../testing/index.ts';
import type { Subject } from '../../testing/index.ts';
import { MemoryStore } from '../memory/memory-store.ts';
import { TreeStore } from '../tree/tree-store.ts';
import { documentsIn } from './documents-in.ts';
import type { DocumentsOptions } from './files.ts';

class Folder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'syncline-test-'));

  /** Writes files by their paths. */
  put(files: { readonly [path: string]: string }): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.path, path)), { recursive: true });
      writeFileSync(join(this.path, path), text);
    }
  }

  files(): string[] {
    return readdirSync(this.path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(this.path.length + 1)).sort();
  }

  text(path: string): string {
    return readFileSync(join(this.path, path), 'utf8');
  }

  open(options: Partial<DocumentsOptions> = {}): Store {
    return documentsIn(new TreeStore(this.path, plainHost, { missing: 'empty' }), { schema: hal, format: 'yaml', host: plainHost, ...options });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function resource(type: string, id: string, fields: Document = {}): Document {
  return { id, ...fields, _links: { self: { href: `https://api.example/api/${encodeURIComponent(type)}/${encodeURIComponent(id)}` } } };
}

function put(type: string, id: string, fields: Document = {}, expect?: Expectation): Write {
  return { kind: 'put', entry: { key: joinKey([type, id]), content: { kind: 'document', document: resource(type, id, fields) } }, ...(expect && { expect }) };
}

async function scan(store: Store): Promise<{ entries: Entry[]; problems: Problem[]; keys: string[] }> {
  const found = { entries: [] as Entry[], problems: [] as Problem[] };
  for await (const { entries, problems = [] } of store.scan({ want: 'content' })) {
    found.entries.push(...entries);
    found.problems.push(...problems);
  }
  return { ...found, keys: found.entries.map(({ key }) => key).sort() };
}

async function only(store: Store, write: Write): Promise<Outcome> {
  const [outcome] = await store.write([write]);
  assert.ok(outcome);
  return outcome;
}

function yamlOf(id: string, type = 'foo', more = ''): string {
  return `${more}id: '${id}'\n_links:\n  self:\n    href: https://api.example/api/${type}/${id}\n`;
}

let latest: Folder | undefined;
test.after(() => latest?.[Symbol.dispose]());

function subject(options: Partial<DocumentsOptions>): Subject {
  return {
    async open() {
      latest?.[Symbol.dispose]();
      latest = new Folder();
      return latest.open(options);
    },
    reopen: async () => latest!.open(options),
  };
}

// Documents without identity, known by their paths alone. Those with one are held to the laws with all other stores.
describe('in a directory, named by their paths', () => testStore(test, subject({ schema: hal, format: 'yaml' })));
describe('in a directory, named by their paths, JSON', () => testStore(test, { ...subject({ schema: hal, format: 'json' }), refuses: ['bytes', 'no bytes', 'infinity', 'not a number'] }));

test('documents are kept as type/id, YAML or a line of JSON, and written alike every time', async () => {
  using folder = new Folder();
  await folder.open().write([put('foo', '1', { name: 'x', list: [1] })]);
  await folder.open({ format: 'json' }).write([put('foo', '2', { name: 'x', list: [1] })]);
  assert.deepEqual(folder.files(), ['foo/1.yaml', 'foo/2.json']);
  assert.equal(folder.text('foo/1.yaml'), '_links:\n  self:\n    href: https://api.example/api/foo/1\nid: "1"\nlist:\n  - 1\nname: x\n');
  assert.equal(folder.text('foo/2.json'), '{"_links": {"self": {"href": "https://api.example/api/foo/2"}}, "id": "2", "list": [1], "name": "x"}\n');
});

test('hidden files, READMEs and what is neither YAML nor JSON are not seen; .yml is', async () => {
  using folder = new Folder();
  folder.put({ '.git/HEAD': 'ref', '.git/x.yaml': 'a: [', 'README.md': '#', 'LICENSE': '', '.hidden': '', '.x.yaml': 'a: [', 'foo/.y.json': '{', 'foo/1.yml': yamlOf('1'), 'foo/2.json': JSON.stringify(resource('foo', '2')) });
  const { keys, problems } = await scan(folder.open());
  assert.deepEqual([keys, problems], [['foo/1', 'foo/2'], []]);
});

test('ids that are no file names are kept under names that are, and nothing leaves the directory', async () => {
  using folder = new Folder();
  const root = join(folder.path, 'root');
  const open = (): Store => documentsIn(new TreeStore(root, plainHost, { missing: 'empty' }), { schema: simple, format: 'yaml', host: plainHost });
  const ids = ['../../x', '/abs', 'a/b', '..', '.', '.hidden', '%2F', '__proto__', 'é', 'e\u0301', '\u{1F600}', 'CON', 'trailing.', 'a b', 'x'.repeat(240), 'nul\0', ' '];
  const writes = ids.map((id): Write => ({ kind: 'put', entry: { key: joinKey(['..', id]), content: { kind: 'document', document: { id, type: '..', uri: `/api/x/${encodeURIComponent(id)}` } } }, expect: { absent: true } }));
  assert.deepEqual((await open().write(writes)).map((outcome) => (outcome.kind === 'failed' ? outcome.error.message : outcome.kind)), ids.map(() => 'done'));
  assert.deepEqual(readdirSync(folder.path), ['root']);
  const { keys, problems } = await scan(open());
  assert.deepEqual([keys, problems], [writes.map((write) => (write.kind === 'put' ? write.entry.key : '')).sort(), []]);
  const [long] = await open().write([{ kind: 'put', entry: { key: joinKey(['t', 'y'.repeat(250)]), content: { kind: 'document', document: { id: 'y'.repeat(250), type: 't', uri: '/api/t/y' } } } }]);
  assert.ok(long?.kind === 'failed' && long.error.code === 'invalid');
});

test('one bad file is a problem that names file and line, and the others are read', async () => {
  using folder = new Folder();
  folder.put({ 'foo/1.yaml': yamlOf('1'), 'foo/2.yaml': 'id: 1\nname: [\n', 'foo/3.yaml': '', 'foo/4.yaml': `---\n${yamlOf('4')}---\n${yamlOf('5')}`, 'foo/5.json': '{"a": 1,\n}', 'foo/6.yaml': '- a\n', 'foo/7.yaml': 'just text', 'foo/8.yaml': 'a: \xff', 'foo/9.yaml': yamlOf('9') });
  writeFileSync(join(folder.path, 'foo/8.yaml'), Buffer.from('a: \xff', 'latin1'));
  const { keys, problems } = await scan(folder.open());
  assert.deepEqual(keys, ['foo/1', 'foo/9']);
  assert.deepEqual(problems.map(({ place }) => place.slice(folder.path.length + 1)), ['foo/2.yaml', 'foo/3.yaml', 'foo/4.yaml', 'foo/5.json', 'foo/6.yaml', 'foo/7.yaml', 'foo/8.yaml']);
  const messages = problems.map(({ error }) => error.message);
  for (const [i, says] of [/2\.yaml:\d: /, /3\.yaml: holds no document/, /4\.yaml:\d+: more than one document/, /5\.json:2: /, /6\.yaml: holds a list/, /7\.yaml: holds text/, /8\.yaml:1: the text is not UTF-8/].entries()) assert.match(messages[i]!, says);
});

test('a bad file is never overwritten, and does not stop the others', async () => {
  using folder = new Folder();
  folder.put({ 'foo/1.yaml': '<<<<<<< ours\nid: 1\n', 'foo/2.yaml': yamlOf('2') });
  const store = folder.open();
  const [bad, good] = await store.read([{ key: 'foo/1' }, { key: 'foo/2' }]);
  assert.equal(bad?.content, undefined);
  assert.ok(bad?.version !== undefined && good?.content);
  const outcomes = await store.write([put('foo', '1', { a: 1 }, { version: bad.version }), put('foo', '2', { a: 1 }), put('foo', '1', { a: 1 })]);
  assert.deepEqual(outcomes.map(({ kind }) => kind), ['failed', 'done', 'failed']);
  assert.ok(outcomes[0]?.kind === 'failed' && outcomes[0].error.code === 'corrupt' && /foo\/1\.yaml:\d/.test(outcomes[0].error.message));
  assert.equal(folder.text('foo/1.yaml'), '<<<<<<< ours\nid: 1\n');
});

test('a document is found, changed and removed in the file where it is, whatever its name', async () => {
  using folder = new Folder();
  folder.put({ 'first.yaml': yamlOf('1'), 'deep/er/second.yml': yamlOf('2'), 'foo/3.yaml': yamlOf('3') });
  const store = folder.open();
  const found = await store.read(['1', '2', '3', '4'].map((id) => ({ key: `foo/${id}` })));
  assert.deepEqual(found.map((entry) => entry?.place?.slice(folder.path.length + 1)), ['first.yaml', 'deep/er/second.yml', 'foo/3.yaml', undefined]);
  const outcomes = await store.write([put('foo', '1', { a: 1 }, { version: found[0]!.version! }), put('foo', '2', { a: 1 }), put('foo', '4')]);
  assert.deepEqual(outcomes.map(({ kind }) => kind), ['done', 'done', 'done']);
  assert.deepEqual(folder.files(), ['deep/er/second.yml', 'first.yaml', 'foo/3.yaml', 'foo/4.yaml']);
  assert.match(folder.text('first.yaml'), /^a: 1$/m);
  assert.deepEqual((await scan(folder.open())).keys, ['foo/1', 'foo/2', 'foo/3', 'foo/4']);
  await store.write([{ kind: 'delete', ref: { key: 'foo/2' } }]);
  assert.deepEqual(folder.files(), ['first.yaml', 'foo/3.yaml', 'foo/4.yaml']);
});

test('a scan tells what a reading needs to know of files in their type, but under other names', async () => {
  using folder = new Folder();
  folder.put({ 'foo/first.yaml': yamlOf('1') });
  const store = folder.open();
  assert.deepEqual((await scan(store)).keys, ['foo/1']);
  assert.ok((await store.read([{ key: 'foo/1' }]))[0]?.content);
  await store.write([put('foo', '1', { a: 1 })]);
  assert.deepEqual(folder.files(), ['foo/first.yaml']);
});

test('a file that holds another document than its name says is not overwritten', async () => {
  using folder = new Folder();
  folder.put({ 'foo/1.yaml': yamlOf('2') });
  const outcome = await only(folder.open(), put('foo', '1'));
  assert.ok(outcome.kind === 'failed' && outcome.error.code === 'conflict');
  assert.match(outcome.error.message, /^foo\/1 belongs in .*foo\/1\.yaml, which holds foo\/2$/);
  assert.equal(folder.text('foo/1.yaml'), yamlOf('2'));
});

test('two files with one document are a problem that names both', async () => {
  for (const other of ['foo/1.yml', 'foo/1.json', 'a.yaml', 'z.yaml', 'foo/x.yaml']) {
    using folder = new Folder();
    folder.put({ 'foo/1.yaml': yamlOf('1'), [other]: other.endsWith('json') ? JSON.stringify(resource('foo', '1')) : yamlOf('1') });
    const { keys, problems } = await scan(folder.open());
    assert.deepEqual([keys, problems.length], [['foo/1'], 1], other);
    assert.ok(['foo/1.yaml', other].every((path) => problems[0]!.error.message.includes(join(folder.path, path))), problems[0]!.error.message);
  }
});

test('switching the format replaces the twin once the new file is there', async () => {
  using folder = new Folder();
  folder.put({ 'foo/1.json': `${JSON.stringify(resource('foo', '1', { a: 1 }))}\n`, 'foo/2.yml': yamlOf('2'), 'foo/3.json': '{}' });
  const store = folder.open();
  const [one, two] = await store.read([{ key: 'foo/1' }, { key: 'foo/2' }]);
  const outcomes = await store.write([put('foo', '1', { a: 2 }, { version: one!.version! }), put('foo', '2', { a: 2 }, { version: two!.version! })]);
  assert.deepEqual(outcomes.map(({ kind }) => kind), ['done', 'done']);
  assert.deepEqual(folder.files(), ['foo/1.yaml', 'foo/2.yaml', 'foo/3.json']);
  assert.equal((await only(store, put('foo', '1', { a: 3 }, { version: one!.version! }))).kind, 'stale');
  assert.equal((await only(store, put('foo', '3', {}, { absent: true }))).kind, 'stale');
});

test('what is kept in the other format counts as different only where it is to be converted', async () => {
  using folder = new Folder();
  folder.put({ 'foo/1.json': JSON.stringify(resource('foo', '1')), 'foo/2.yaml': yamlOf('2') });
  const digestsOf = async (convert: boolean): Promise<unknown[]> => (await scan(folder.open({ convert }))).entries.map(({ digest }) => digest?.value);
  const [plain, converting] = [await digestsOf(false), await digestsOf(true)];
  assert.notEqual(converting[0], plain[0]);
  assert.equal(converting[1], plain[1]);
  await folder.open({ convert: true }).write([put('foo', '1')]);
  assert.deepEqual(folder.files(), ['foo/1.yaml', 'foo/2.yaml']);
});

test('a file whose document is to be written is not touched, however it is written', async () => {
  using folder = new Folder();
  folder.put({ 'foo/1.yaml': `# mine\n{"id": "1", "a":   1, "_links": {"self": {"href": "https://api.example/api/foo/1"}}}\n` });
  const path = join(folder.path, 'foo/1.yaml');
  utimesSync(path, 1_000, 1_000);
  const before = folder.text('foo/1.yaml');
  assert.equal((await only(folder.open(), put('foo', '1', { a: 1 }))).kind, 'done');
  assert.equal(folder.text('foo/1.yaml'), before);
  assert.equal(statSync(path).mtimeMs, 1_000_000);
});

test('comments survive a change of other fields', async () => {
  using folder = new Folder();
  folder.put({ 'foo/1.yaml': `# who: ops\nid: '1'\nsize: 1 # in metres\nname: x\n_links:\n  self:\n    href: https://api.example/api/foo/1\n` });
  assert.equal((await only(folder.open(), put('foo', '1', { size: 2, name: 'y' }))).kind, 'done');
  const text = folder.text('foo/1.yaml');
  assert.match(text, /^# who: ops$/m);
  assert.match(text, /^size: 2 +# in metres$/m);
  const { entries } = await scan(folder.open());
  assert.deepEqual(entries[0]?.content, { kind: 'document', document: resource('foo', '1', { size: 2, name: 'y' }) });
});

test('a document that says it is another is refused', async () => {
  using folder = new Folder();
  const outcome = await only(folder.open(), { kind: 'put', entry: { key: 'foo/2', content: { kind: 'document', document: resource('foo', '1') } } });
  assert.ok(outcome.kind === 'failed' && outcome.error.code === 'invalid');
  assert.match(outcome.error.message, /says it is foo\/1 cannot be kept as foo\/2/);
  assert.deepEqual(folder.files(), []);
});

test('entries carry what the schema says of them and the digest a copy elsewhere would have', async () => {
  using folder = new Folder();
  const document: Document = { id: '1', _links: { 'self': { href: 'https://one.example/api/foo/1' }, 'parent:bar': { href: 'https://one.example/api/bar/7' } } };
  await folder.open().write([{ kind: 'put', entry: { key: 'foo/1', content: { kind: 'document', document } } }]);
  const { entries: [entry] } = await scan(folder.open());
  assert.deepEqual([entry?.address, entry?.collection, entry?.dependsOn], ['/api/foo/1', '/api/foo', ['/api/bar/7']]);
  const copy = new MemoryStore({ schema: hal });
  copy.edit('foo/1', { id: '1', _links: { 'self': { href: 'https://two.example/api/foo/1' }, 'parent:bar': { href: 'https://two.example/api/bar/7' } } });
  assert.deepEqual(entry?.digest, copy.peek('foo/1')?.digest);
});

test('two writes of one key in one batch are done one after the other', async () => {
  using folder = new Folder();
  const outcomes = await folder.open().write([put('foo', '1', { a: 1 }, { absent: true }), put('foo', '1', { a: 2 }, { absent: true }), { kind: 'delete', ref: { key: 'foo/1' } }, put('foo', '1', { a: 3 }, { absent: true })]);
  assert.deepEqual(outcomes.map(({ kind }) => kind), ['done', 'stale', 'done', 'done']);
  assert.match(folder.text('foo/1.yaml'), /^a: 3$/m);
});

test('what replaces a twin says so', async () => {
  using folder = new Folder();
  folder.put({ 'foo/1.json': '{}' });
  const log: string[] = [];
  const host: Host = { ...plainHost, log: (_, message) => log.push(message) };
  await folder.open({ host }).write([put('foo', '1')]);
  assert.deepEqual(log, ['removed foo/1.json, because foo/1.yaml holds foo/1 now']);
});
