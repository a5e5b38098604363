import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry } from '../model/entry.ts';
import { SyncError } from '../model/errors.ts';
import type { Page, Sink, Write } from '../model/store.ts';
import { MemoryStore } from '../stores/memory/memory-store.ts';
import { runCopy } from './copy.ts';

/** A target that takes whatever comes, and tells when. */
function listening(taken: string[]): Sink {
  const { capabilities } = new MemoryStore({ expects: [], batchEntries: 2 });
  return {
    name: 'target', identity: 'target', capabilities: { ...capabilities, reads: 'once' },
    write: async (batch: readonly Write[]) => batch.map((write) => {
      taken.push(write.kind === 'put' ? write.entry.key : '');
      return { kind: 'done', stat: {} };
    }),
    [Symbol.asyncDispose]: async () => {},
  };
}

/** A place of records that fails behind its second page. */
class Table extends MemoryStore {
  readonly #pages: readonly (readonly Entry[])[];
  readonly #taken: readonly string[];
  readonly before: number[] = [];

  constructor(pages: readonly (readonly string[])[], taken: readonly string[]) {
    super({ order: 'none' });
    this.#pages = pages.map((keys) => keys.map((key) => ({ key, content: { kind: 'document', document: { key } } })));
    this.#taken = taken;
  }

  describe = async (): Promise<[]> => [];

  override async *scan(): AsyncGenerator<Page> {
    for (const entries of this.#pages) {
      this.before.push(this.#taken.length);
      yield { entries };
    }
    throw new SyncError('unavailable', 'it went away');
  }
}

test('records are written as they come, each key once, and a place that fails in between is a failure', async () => {
  const taken: string[] = [];
  const table = new Table([['t/3', 't/1', 't/2'], ['t/2', 't/0']], taken);
  await assert.rejects(runCopy({ origins: [table], target: listening(taken) }), { code: 'unavailable' });
  assert.deepEqual(taken, ['t/3', 't/1', 't/2', 't/0']);
  assert.deepEqual(table.before, [0, 3]);
});

test('nobody looks out for a second entry of one key where there can be none', async () => {
  const taken: string[] = [];
  const source = new MemoryStore({ order: 'none' });
  source.edit('t/1', { n: 1 });
  const asked: string[] = [];
  const digest = { algorithm: 'document', get value() { return (asked.push('digest'), 'x'); } } as const;
  const place = {
    name: 'place', identity: 'place', capabilities: { ...source.capabilities, keys: 'unique' }, describe: async () => [], read: source.read.bind(source), [Symbol.asyncDispose]: async () => {},
    async *scan() { for await (const { entries } of source.scan({ want: 'content' })) yield { entries: entries.map((entry) => ({ ...entry, digest })) }; },
  } as const;
  await runCopy({ origins: [place], target: listening(taken) });
  assert.deepEqual([taken, asked], [['t/1'], []]);
});

test('what may depend on each other waits until all is known, and is written in order', async () => {
  const taken: string[] = [];
  const source = new MemoryStore({ order: 'none' });
  for (const key of ['t/2', 't/1', 't/3']) source.edit(key, { key });
  await runCopy({ origins: [source], target: listening(taken) });
  assert.deepEqual(taken, ['t/1', 't/2', 't/3']);
});
