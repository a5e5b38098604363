import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { Folder, runCommand } from './command.ts';
import type { Ended, Running } from './command.ts';
import { readingServer, resource, send } from './reading-server.ts';

function assertEnded({ code, stdout, stderr }: Ended, expected = 0): void {
  assert.equal(code, expected, `exit ${code}\n${stdout}\n${stderr}`);
  assert.doesNotMatch(stderr, /^\s+at /m);
}

async function run(folder: Folder, args: readonly string[], options: Omit<Running, 'cwd'> = {}): Promise<Ended> {
  return await runCommand('resource-sync', args, { cwd: folder.path, ...options });
}

/** Writes files by their paths. */
function fill(folder: Folder, files: { readonly [path: string]: string | Buffer }): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true });
    writeFileSync(join(folder.path, path), text);
  }
}

/** A resource as YAML; `more` goes first. */
function yaml(id: string, more = '', type = 'foo'): string {
  return `${more}id: "${id}"\n_links:\n  self:\n    href: http://h.example/api/${type}/${id}\n`;
}

function json(id: string, fields: object = {}): string {
  return JSON.stringify({ id, ...fields, _links: { self: { href: `http://h.example/api/foo/${id}` } } });
}

function ids(text: string): unknown[] {
  return text.split('\n').filter(Boolean).map((line) => (JSON.parse(line) as { id: unknown }).id);
}

describe('directory, file, pipe', { concurrency: 4 }, () => {
  it('R24: a repeated directory copy is byte-identical and leaves times alone', async () => {
    using folder = new Folder();
    fill(folder, { 'in/foo/1.yaml': yaml('1', 'b: 1\na: [1, 2]\n'), 'in/bar/2.yaml': yaml('2', '# mine\n', 'bar'), 'in/foo/3.json': json('3') });
    assertEnded(await run(folder, ['in', 'out']));
    assert.deepEqual(folder.files('out'), ['bar/2.yaml', 'foo/1.yaml', 'foo/3.yaml']);
    const before = folder.files('out').map((path) => folder.read(`out/${path}`));
    for (const path of folder.files('out')) utimesSync(join(folder.path, 'out', path), 1_000, 1_000);
    assertEnded(await run(folder, ['in', 'out']));
    assert.deepEqual(folder.files('out').map((path) => folder.read(`out/${path}`)), before);
    for (const path of folder.files('out')) assert.equal(statSync(join(folder.path, 'out', path)).mtimeMs, 1_000_000, path);
    assertEnded(await run(folder, ['in', 'again']));
    assert.deepEqual(folder.files('again').map((path) => folder.read(`again/${path}`)), before);
  });

  it('R25: a directory under version control is read, what is not its resources left alone', async () => {
    using folder = new Folder();
    fill(folder, { 'in/.git/HEAD': 'ref: refs/heads/main\n', 'in/.git/config.yaml': 'a: [', 'in/README.md': '# Data\n', 'in/.hidden': '', 'in/LICENSE': '', 'in/x.yml': yaml('1'), 'in/foo/2.yaml': yaml('2'), 'in/foo/.3.yaml': 'a: [' });
    const ended = await run(folder, ['--json', 'in', '-']);
    assertEnded(ended);
    assert.deepEqual(ids(ended.stdout), ['1', '2']);
    assertEnded(await run(folder, ['in', 'out']));
    assert.deepEqual(folder.files('out'), ['foo/1.yaml', 'foo/2.yaml']);
  });

  it('R26: no id and no type leads out of the directory', async () => {
    using folder = new Folder();
    const documents = ['../../x', '/abs', 'a/b', '..', '.', 'a\\b', 'con', 'nul\0'].map((id, i) => ({ id, type: i === 0 ? '..' : i === 1 ? '/' : 'foo', uri: `/api/foo/${i}` }));
    fill(folder, { 'deep/er/in.yaml': documents.map((document) => `---\n${JSON.stringify(document)}\n`).join('') });
    assertEnded(await run(folder, ['--simple', 'deep/er/in.yaml', 'deep/er/out']));
    assert.equal(folder.files('deep/er/out').length, documents.length);
    assert.equal(folder.files().length, documents.length + 1 + folder.files('.local').length);
    const back = await run(folder, ['--simple', '--json', 'deep/er/out', '-']);
    assertEnded(back);
    assert.deepEqual(ids(back.stdout).toSorted(), documents.map(({ id }) => id).toSorted());
    // A type that is read off a link that climbs is none.
    fill(folder, { 'climb.yaml': '---\nid: x\n_links: {self: {href: "http://h.example/api/../x"}}\n' });
    const ended = await run(folder, ['climb.yaml', 'out']);
    assertEnded(ended, 1);
    assert.match(ended.stderr, /climb\.yaml:1/);
    assert.equal(existsSync(join(folder.path, 'out')), false);
  });

  it('R27: an empty file, one of two documents and a malformed one are named, and the others are kept', async () => {
    using folder = new Folder();
    fill(folder, { 'in/foo/1.yaml': '', 'in/foo/2.yaml': `---\n${yaml('2')}---\n${yaml('3')}`, 'in/foo/4.yaml': 'id: 4\nname: [\n', 'in/foo/5.json': '{"id": 5,\n"x": }', 'in/foo/6.yaml': Buffer.from('a: \xff', 'latin1'), 'in/foo/7.yaml': yaml('7') });
    const ended = await run(folder, ['in', 'out']);
    assertEnded(ended, 1);
    for (const name of [/in\/foo\/1\.yaml/, /in\/foo\/2\.yaml:\d/, /in\/foo\/4\.yaml:\d/, /in\/foo\/5\.json:2/, /in\/foo\/6\.yaml:1/]) assert.match(ended.stderr, name);
    assert.deepEqual(folder.files('out'), ['foo/7.yaml']);
  });

  it('R28: a YAML file that exists is replaced only with --rm; missing directories are made', async () => {
    using folder = new Folder();
    fill(folder, { 'in/foo/1.yaml': yaml('1'), 'out.yaml': '# precious\n' });
    const refused = await run(folder, ['in', 'out.yaml']);
    assertEnded(refused, 1);
    assert.match(refused.stderr, /--rm/);
    assert.equal(folder.read('out.yaml'), '# precious\n');
    assertEnded(await run(folder, ['--rm', 'in', 'out.yaml']));
    assert.match(folder.read('out.yaml'), /^---\n_links:\n/m);
    assertEnded(await run(folder, ['in', 'a/b/out.yaml']));
    assert.match(folder.read('a/b/out.yaml'), /^id: "1"$/m);
  });

  it('R29: a YAML file cannot be written as JSON', async () => {
    using folder = new Folder();
    fill(folder, { 'in/foo/1.yaml': yaml('1') });
    assertEnded(await run(folder, ['--json', 'in', 'out.yaml']), 1);
    assert.equal(existsSync(join(folder.path, 'out.yaml')), false);
  });

  it('R30: --rm deletes nothing when an origin cannot be read', async () => {
    using folder = new Folder();
    fill(folder, { 'out/foo/9.yaml': yaml('9'), 'out.yaml': `---\n${yaml('9')}`, 'bad/foo/1.yaml': 'a: [', 'empty/README.md': '' });
    await using server = await readingServer();
    for (const origin of ['missing', 'missing.yaml', 'bad', 'empty', `${server.origin}/api/foo`]) {
      for (const target of ['out', 'out.yaml']) {
        const ended = await run(folder, ['--rm', origin, target]);
        if (origin !== 'empty') assertEnded(ended, 1);
        assert.equal(folder.read(target === 'out' ? 'out/foo/9.yaml' : 'out.yaml').endsWith(yaml('9')), true, `${origin} ${target}`);
      }
    }
  });

  it('R31: an origin that is the destination under another spelling is refused', async () => {
    using folder = new Folder();
    fill(folder, { 'in/foo/1.yaml': yaml('1'), 'one.yaml': `---\n${yaml('1')}` });
    symlinkSync('in', join(folder.path, 'link'));
    symlinkSync('one.yaml', join(folder.path, 'other.yaml'));
    for (const target of ['in', './in', 'in/', 'link', 'link/', join(folder.path, 'in'), 'in/../in']) {
      const ended = await run(folder, ['--rm', 'in', target]);
      assertEnded(ended, 2);
      assert.match(ended.stderr, /same place/);
    }
    for (const target of ['one.yaml', './one.yaml', 'other.yaml']) assertEnded(await run(folder, ['--rm', 'one.yaml', target]), 2);
    assert.equal(folder.read('in/foo/1.yaml'), yaml('1'));
    assert.equal(folder.read('one.yaml'), `---\n${yaml('1')}`);
  });

  it('R32: what two origins hold is written once', async () => {
    using folder = new Folder();
    const child = '---\nid: c\n_links:\n  self: {href: /api/child/c}\n  parent:foo: {href: /api/foo/1}\n';
    fill(folder, { 'a/foo/1.yaml': yaml('1'), 'b/foo/1.yaml': yaml('1'), 'c.yaml': `---\n${yaml('1')}${child}`, 'new/foo/1.yaml': yaml('1', 'new: true\n') });
    const ended = await run(folder, ['--json', 'a', 'b', 'c.yaml', '-']);
    assertEnded(ended);
    assert.deepEqual(ids(ended.stdout), ['1', 'c']);
    assertEnded(await run(folder, ['a', 'new', 'out']));
    assert.deepEqual(folder.files('out'), ['foo/1.yaml']);
    assert.match(folder.read('out/foo/1.yaml'), /^new: true$/m);
  });

  it('R33: a pipe passes documents through, sorted, whatever format they are in', async () => {
    using folder = new Folder();
    const through = async (stdin: string, ...flags: string[]): Promise<string> => {
      const ended = await run(folder, [...flags, '-', '-'], { stdin });
      assertEnded(ended);
      return ended.stdout;
    };
    const [one, two] = ['1', '2'].map((id) => `---\n${yaml(id)}`) as [string, string];
    const lines = await through(two + one, '--json');
    assert.deepEqual(ids(lines), ['1', '2']);
    const documents = await through(lines);
    assert.match(documents, /^---\n_links:\n {2}self:\n {4}href: http:\/\/h\.example\/api\/foo\/1\nid: "1"\n---\n/);
    assert.equal(await through(documents), documents);
    assert.equal(await through(documents, '-j'), lines);
    assert.equal(await through(lines, '-j'), lines);
    assert.equal(await through(`${two}${one}---\n`), documents);
    assert.equal(await through(`[${json('2')}, ${json('1')}]`), documents);
    assert.equal(await through(json('1')), one.replace(/---\n[^]*/, documents.slice(0, documents.indexOf('---', 3))));
    for (const empty of ['', '\n', '---\n', '# nothing\n']) assert.equal(await through(empty), '', JSON.stringify(empty));
    const broken = await run(folder, ['-', '-'], { stdin: `${one}---\nid: [\n` });
    assertEnded(broken, 1);
    assert.match(broken.stderr, /standard input:\d/);
  });

  it('R34: null takes everything and keeps nothing', async () => {
    using folder = new Folder();
    fill(folder, { 'in/foo/1.yaml': yaml('1') });
    for (const target of ['null', '/dev/null']) {
      const ended = await run(folder, ['in', target]);
      assertEnded(ended);
      assert.equal(ended.stdout, '');
    }
    assertEnded(await run(folder, ['null', 'out']));
    assert.deepEqual(readdirSync(folder.path).filter((name) => !name.startsWith('.')), ['in']);
  });

  it('R35: text that looks like something else stays text, also in files of the original', async () => {
    using folder = new Folder();
    const texts = { a: '1e3', b: '0o7', c: 'yes', d: '012', e: '2020-01-01', f: '', g: '\u{1F600}', h: '1:30', i: 'null', j: '~', k: '=', l: '0x1F', m: 'NO', n: '1_000', o: '.inf', p: ' x ', q: '# x', r: 'a: b' };
    fill(folder, { 'in.json/foo/1.json': json('1', texts), 'original/foo/2.yaml': 'id: "2"\na: 1e3\nb: 0o7\nc: "caf\\xE9"\nd: 2020-01-02\n_links:\n    self:\n        href: http://h.example/api/foo/2\n' });
    assertEnded(await run(folder, ['in.json', 'yaml']));
    assertEnded(await run(folder, ['--json', 'yaml', 'back']));
    assert.deepEqual(JSON.parse(folder.read('back/foo/1.json')), JSON.parse(json('1', texts)));
    const ended = await run(folder, ['--json', 'original', '-']);
    assertEnded(ended);
    assert.deepEqual(JSON.parse(ended.stdout), JSON.parse(json('2', { a: '1e3', b: '0o7', c: 'caf\u00e9', d: '2020-01-02' })));
  });

  it('R36: an integer of twenty digits goes out as it came in', async () => {
    using folder = new Folder();
    await using server = await readingServer();
    const bodies: string[] = [];
    const text = `{"id": "1", "n": 12345678901234567890, "m": -98765432109876543210, "_links": {"self": {"href": "/api/foo/1"}}}`;
    let held: string | undefined = text;
    server.add({
      '/api/foo/1': (request, response) => {
        if (request.method !== 'PUT') return held === undefined ? send(response, 404, {}) : send(response, 200, held);
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          bodies.push(Buffer.concat(chunks).toString());
          send(response, 201, (held = bodies.at(-1)!));
        });
      },
      '/api/foo': { items: [resource('/api/foo/none')] },
    });
    assertEnded(await run(folder, [`${server.origin}/api/foo/1`, 'data']));
    assert.match(folder.read('data/foo/1.yaml'), /^m: -98765432109876543210\n"n": 12345678901234567890$/m);
    assertEnded(await run(folder, ['--json', 'data', 'lines']));
    held = undefined;
    assertEnded(await run(folder, ['lines', server.origin]));
    assert.equal(bodies.length, 1);
    assert.match(bodies[0]!, /"n": ?12345678901234567890\b/);
    assert.match(bodies[0]!, /"m": ?-98765432109876543210\b/);
  });
});

describe('files and faults', { concurrency: 4 }, () => {
  it('a directory that is a file, and a file that is a directory, are refused by name', async () => {
    using folder = new Folder();
    fill(folder, { 'in/foo/1.yaml': yaml('1'), 'file': 'x', 'dir.yaml/x': '' });
    for (const target of ['file', 'dir.yaml']) {
      const ended = await run(folder, ['--rm', 'in', target]);
      assertEnded(ended, 1);
      assert.ok(ended.stderr.includes(target), ended.stderr);
    }
    assert.equal(readFileSync(join(folder.path, 'file'), 'utf8'), 'x');
  });

  it('a link planted as a type is not written through', async () => {
    using folder = new Folder();
    fill(folder, { 'in/foo/1.yaml': yaml('1'), 'in/bar/2.yaml': yaml('2', '', 'bar'), 'out/README.md': '', 'outside/README.md': '' });
    symlinkSync('../outside', join(folder.path, 'out', 'foo'));
    const ended = await run(folder, ['in', 'out']);
    assertEnded(ended, 1);
    assert.match(ended.stderr, /out\/foo is a symbolic link/);
    assert.deepEqual(folder.files('outside'), ['README.md']);
    assert.ok(existsSync(join(folder.path, 'out/bar/2.yaml')));
  });

  it('comments survive a capture that changes other fields', async () => {
    using folder = new Folder();
    fill(folder, { 'in/foo/1.yaml': yaml('1', 'size: 2\nname: x\n'), 'out/foo/1.yaml': yaml('1', '# ours\nsize: 1 # metres\nname: x\n') });
    assertEnded(await run(folder, ['in', 'out']));
    assert.match(folder.read('out/foo/1.yaml'), /^# ours$/m);
    assert.match(folder.read('out/foo/1.yaml'), /^size: 2 +# metres$/m);
  });

  it('switching the format replaces every twin, and nothing is left to do', async () => {
    using folder = new Folder();
    fill(folder, { 'in/foo/1.yaml': yaml('1'), 'in/foo/2.yaml': yaml('2') });
    for (const [flag, extension] of [['-y', 'yaml'], ['-j', 'json'], ['-y', 'yaml']] as const) {
      assertEnded(await run(folder, [flag, 'in', 'out']));
      assert.deepEqual(folder.files('out'), [`foo/1.${extension}`, `foo/2.${extension}`]);
      const before = statSync(join(folder.path, 'out', `foo/1.${extension}`)).ctimeMs;
      assertEnded(await run(folder, [flag, 'in', 'out']));
      assert.equal(statSync(join(folder.path, 'out', `foo/1.${extension}`)).ctimeMs, before);
    }
  });

  it('a reader that goes away ends the command without a trace', async () => {
    using folder = new Folder();
    fill(folder, { 'in.yaml': Array.from({ length: 3_000 }, (_, i) => `---\n${yaml(String(i), `text: ${'x'.repeat(200)}\n`)}`).join('') });
    const { execFileSync } = await import('node:child_process');
    const command = join(import.meta.dirname, '../../src/cli/resource-sync.ts');
    const out = execFileSync('sh', ['-c', `"${process.execPath}" "${command}" in.yaml - 2>err | head -n 1`], { cwd: folder.path, env: { HOME: folder.path, PATH: process.env['PATH'] ?? '' } }).toString();
    assert.equal(out, '---\n');
    assert.doesNotMatch(folder.read('err'), /^\s+at /m);
  });
});
