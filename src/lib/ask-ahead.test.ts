import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { askAhead } from './ask-ahead.ts';

async function* upTo(count: number, log: string[] = []): AsyncGenerator<number> {
  try {
    for (let i = 0; i < count; i++) yield i;
  } finally {
    log.push('closed');
  }
}

test('items come in their order, each with its answer', async () => {
  const found: string[] = [];
  for await (const { item, answer } of askAhead(upTo(20), async (i) => {
    if (i % 3 === 0) await turn();
    return i * 2;
  }, 3)) found.push(`${item}:${answer}`);
  assert.deepEqual(found, Array.from({ length: 20 }, (_, i) => `${i}:${i * 2}`));
});

test('so many are asked about ahead, and no more', async () => {
  let open = 0;
  let mostOpen = 0;
  for await (const { item } of askAhead(upTo(10), async (i) => {
    mostOpen = Math.max(mostOpen, ++open);
    for (let turns = 0; turns < 5; turns++) await turn();
    return i;
  }, 2)) {
    assert.ok(item >= 0);
    open--;
  }
  assert.equal(mostOpen, 3);
});

test('an answer that is there does not wait for the next item', async () => {
  const stuck = Promise.withResolvers<void>();
  async function* slow(): AsyncGenerator<string> {
    yield 'first';
    await stuck.promise;
  }
  const pages = askAhead(slow(), async (item) => item.length, 1);
  assert.deepEqual((await pages.next()).value, { item: 'first', answer: 5 });
  // Nor does the end of whoever looked, for what does not come.
  await pages.return(undefined);
  stuck.resolve();
});

test('the source is closed when nobody looks any more', async () => {
  const log: string[] = [];
  for await (const { item } of askAhead(upTo(10, log), async (i) => i, 1)) if (item === 3) break;
  assert.deepEqual(log, ['closed']);
});

test('an error of the source and one of an answer end the stream after what came before', async () => {
  async function* failing(): AsyncGenerator<number> {
    yield 1;
    throw new Error('source');
  }
  await assert.rejects(Array.fromAsync(askAhead(failing(), async (i) => i, 0)), /source/);
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const { item } of askAhead(upTo(5), async (i) => {
      if (i === 2) throw new Error('answer');
      return i;
    }, 1)) seen.push(item);
  }, /answer/);
  assert.deepEqual(seen, [0, 1]);
});
