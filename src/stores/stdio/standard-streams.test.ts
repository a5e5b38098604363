import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Host } from '../../model/host.ts';
import { plainHost } from '../../model/plain-host.ts';
import type { Problem } from '../../model/store.ts';
import { hal } from '../../schema/hal.ts';
import { simple } from '../../schema/simple.ts';
import { kind } from './kind.ts';
import { StandardStreams } from './standard-streams.ts';

type Standard = NonNullable<Host['standard']>;

/** Streams of which one says this, in pieces of so many bytes, and the other takes everything. */
class Lent implements Standard {
  readonly #given: Buffer;
  readonly #size: number;

  constructor(given: string | Buffer = '', size = 7) {
    this.#given = Buffer.from(given);
    this.#size = size;
  }

  async *input(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < this.#given.length; at += this.#size) yield this.#given.subarray(at, at + this.#size);
  }

  async write(): Promise<void> {}
}

async function read(text: string | Buffer): Promise<{ keys: string[]; problems: Problem[] }> {
  const found = { keys: [] as string[], problems: [] as Problem[] };
  for await (const { entries, problems = [] } of new StandardStreams(new Lent(text), simple, 'yaml').scan()) {
    found.keys.push(...entries.map(({ key }) => key));
    found.problems.push(...problems);
  }
  return found;
}

const yaml = (id: string): string => `---\nid: ${id}\ntype: thing\nuri: /api/thing/${id}\n`;
const json = (id: string): string => JSON.stringify({ id, type: 'thing', uri: `/api/thing/${id}` });

test('YAML, JSON, a list and a line of JSON each are told apart', async () => {
  for (const text of [yaml('a') + yaml('b'), `${yaml('a')}${yaml('b')}---\n`, `${json('a')}\n${json('b')}\n`, `[${json('a')}, ${json('b')}]`, `\uFEFF  ${json('a')}${json('b')}`, `# comment\n${yaml('a')}...\n${yaml('b')}`]) {
    assert.deepEqual(await read(text), { keys: ['thing/a', 'thing/b'], problems: [] }, text);
  }
  for (const text of ['', '\n', '# nothing\n', '---\n', '[]']) assert.deepEqual(await read(text), { keys: [], problems: [] }, JSON.stringify(text));
});

test('what is no resource is a problem with its line, and the others are read', async () => {
  const { keys, problems } = await read(`${yaml('a')}---\nname: x\n---\n- 1\n${yaml('b')}`);
  assert.deepEqual(keys, ['thing/a', 'thing/b']);
  assert.deepEqual(problems.map(({ place }) => place), ['standard input:5', 'standard input:7']);
  await assert.rejects(read(`${yaml('a')}---\nid: [\n`), { code: 'corrupt', message: /^standard input:\d+: / });
});

test('a resource that comes twice is read once: without a word if it is the same, else as a problem', async () => {
  assert.deepEqual(await read(yaml('a') + yaml('a')), { keys: ['thing/a'], problems: [] });
  const { keys, problems } = await read(`${yaml('a')}${yaml('a')}size: 1\n`);
  assert.deepEqual([keys, problems.map(({ error }) => error.message)], [['thing/a'], ['standard input:5 is a second, different thing/a']]);
});

test('a signal ends the waiting for input that does not come', async () => {
  const controller = new AbortController();
  const standard: Standard = { input: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => setTimeout(() => controller.abort(), 1)) }) }), write: async () => {} };
  await assert.rejects(Array.fromAsync(new StandardStreams(standard, hal, 'yaml').scan({ signal: controller.signal })), { name: 'AbortError' });
});

test('an output that was closed is a sentence', async () => {
  const standard: Standard = { input: () => new Lent().input(), write: () => Promise.reject(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })) };
  const output = new StandardStreams(standard, hal, 'yaml');
  const [outcome] = await output.write([{ kind: 'put', entry: { key: 'a', content: { kind: 'document', document: {} } } }]);
  assert.ok(outcome?.kind === 'failed');
  assert.deepEqual([outcome.error.code, outcome.error.message], ['unavailable', 'standard output was closed before everything was written']);
});

test('the streams are lent or refused', async () => {
  await assert.rejects(kind.open('-', {}, plainHost), { code: 'unsupported' });
  const place = await kind.open('-', {}, { ...plainHost, standard: new Lent() });
  assert.ok('scan' in place && 'write' in place);
});

test('a full disk behind the output is a sentence with what to do', async () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
  const store = new StandardStreams({ input: async function* () {}, write: () => Promise.reject(full) }, hal, 'yaml');
  const [outcome] = await store.write([{ kind: 'put', entry: { key: 'foo/1', content: { kind: 'document', document: { id: '1' } } } }]);
  assert.equal(outcome?.kind === 'failed' && outcome.error.sentence, 'cannot write to standard output: no space is left on the device: free some space and run again');
});
