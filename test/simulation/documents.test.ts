import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openState } from '../../src/engine/state/sqlite-state.ts';
import { runSync } from '../../src/engine/sync.ts';
import type { Document } from '../../src/model/document.ts';
import { SyncError } from '../../src/model/errors.ts';
import { joinKey } from '../../src/model/key.ts';
import type { Store } from '../../src/model/store.ts';
import { simple } from '../../src/schema/simple.ts';
import { documentsIn } from '../../src/stores/documents/documents-in.ts';
import { MemoryStore } from '../../src/stores/memory/memory-store.ts';
import { fakeHost, faulty, seededRandom } from '../../src/testing/index.ts';
import type { Random } from '../../src/testing/index.ts';
import { Life } from './mortal.ts';

const seeds = 300;

test(`over ${seeds} histories, documents in files are never lost, doubled or torn, whatever befalls the files`, async () => {
  for (let seed = 0; seed < seeds; seed++) {
    await simulate(seededRandom(seed)).catch((cause: unknown) => { throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause }); });
  }
});

/** A store of documents is copied, run by run, into files whose format changes now and then and whose store fails. */
async function simulate(random: Random): Promise<void> {
  const held = new Set<string>();
  const source = new MemoryStore({ schema: simple, order: random.pick(['key', 'none']), pageEntries: 3 });
  const blobs = new MemoryStore({ holds: 'blobs', name: 'files', identity: 'files', expects: random.pick([['absent', 'version'], ['absent'], []]), pageEntries: 1 + random.below(4), batchEntries: 1 + random.below(4) });
  await using state = openState(undefined);
  const write = (id: string): void => {
    const document = { type: 'thing', id, uri: `/api/thing/${id}`, payload: random.below(1_000_000) };
    held.add(`${id} ${document.payload}`);
    source.edit(joinKey(['thing', id]), document);
  };
  for (let round = 0; round < 4; round++) {
    const format = random.pick(['yaml', 'json'] as const);
    for (let edits = random.below(8); edits > 0; edits--) {
      const id = String(random.below(6));
      if (random.chance(0.3)) source.drop(joinKey(['thing', id]));
      else write(id);
    }
    const run = async (files: Store, life?: Life): Promise<Error | undefined> => {
      const host = fakeHost({ seed: random.below(2 ** 31) });
      const target = documentsIn(files, { schema: simple, format, host });
      const pairing = { origins: [source], target, deletes: 'propagate', guard: { maxDeletes: Infinity }, state: life ? life.state(state) : state, host } as const;
      return await Promise.race([runSync(pairing).then(() => undefined, (error: Error) => error), life?.died.then(() => undefined) ?? new Promise<never>(() => {})]);
    };
    const before = await idsIn(blobs);
    for (let troubled = random.below(3); troubled > 0; troubled--) {
      const life = new Life(random, random.chance(0.5) ? random.below(40) : Infinity);
      const share = random.pick([0.05, 0.3]);
      const error = await run(life.store(faulty<Store>(blobs, {
        seed: random.below(2 ** 31), most: 10, faults: { 'refuse': share, 'lose-answer': share, 'fail-one': share, 'cut-scan': share / 5, 'fail-read': share / 3, 'throttle': share },
      })), life);
      await new Promise((resolve) => setImmediate(resolve));
      assert.ok(error === undefined || (error instanceof SyncError && error.code !== 'internal'), error?.message);
      // Whatever happened, each file is whole and holds what the source held at some time; and no document that should stay is gone.
      const now = await idsIn(blobs);
      for (const [id, payloads] of now) for (const payload of payloads) assert.ok(held.has(`${id} ${payload}`), `${id} holds ${payload}, which nobody wrote`);
      for (const id of before.keys()) assert.ok(now.has(id) || !source.peek(joinKey(['thing', id])), `${id} is gone`);
    }
    // What a cut run left behind may take a run to be seen and another to be put right.
    for (let calm = 0; calm < 3; calm++) assert.equal(await run(blobs), undefined);
    const wanted = Object.values(source.dump()).map((document) => `${(document as Document)['id'] as string} ${(document as Document)['payload'] as number}`);
    const found = [...await idsIn(blobs)].flatMap(([id, payloads]) => payloads.map((payload) => `${id} ${payload}`));
    assert.deepEqual(found.sort(), wanted.sort(), 'one file for each document, and no other');
  }
}

/** What the files hold, each read by itself, by the id of the document. */
async function idsIn(blobs: MemoryStore): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map<string, number[]>();
  const alone = new MemoryStore({ holds: 'blobs' });
  for (const [path, bytes] of Object.entries(blobs.dump())) {
    alone.edit(path, bytes as Uint8Array);
    for await (const { entries, problems = [] } of documentsIn(alone, { schema: simple, format: 'yaml', host: fakeHost() }).scan({ want: 'content' })) {
      assert.deepEqual(problems, [], `${path} can be read`);
      for (const { content } of entries) {
        const { id, payload } = (content?.kind === 'document' ? content.document : {}) as { id: string; payload: number };
        found.set(id, [...found.get(id) ?? [], payload]);
      }
    }
    alone.drop(path);
  }
  return found;
}
