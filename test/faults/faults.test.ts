import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { missingS3 } from '../services/s3.ts';
import { skipWithoutSwift } from '../services/swift.ts';
import type { Fault, Rule } from './proxy.ts';
import { lawful, same, World } from './world.ts';
import type { Held, ServiceName } from './service.ts';
import type { Ending } from './world.ts';

const resets: readonly Fault[] = (['during', 'after', 'before'] as const).map((when) => ({ fault: 'reset', when }));
const places: readonly { readonly on: ServiceName; readonly seeds: readonly number[]; readonly uploadFaults: readonly Fault[]; readonly skip: string | false }[] = [
  { on: 's3', seeds: [1, 2, 3, 4, 5, 6], uploadFaults: [...resets, { fault: 'status', status: 500 }, { fault: 'status', status: 503 }, { fault: 'status', status: 500, done: true }, { fault: 'spoil', of: 'request' }], skip: missingS3 ?? false },
  { on: 'swift', seeds: [1], uploadFaults: [...resets.slice(0, 2), { fault: 'status', status: 500, done: true }, { fault: 'spoil', of: 'request' }], skip: await skipWithoutSwift() },
];
const always = (kind: string, fault: Fault): Rule => (request) => (request.kind === kind ? fault : undefined);
const first = (kind: string, count: number, fault: Fault): Rule => (request) => (request.kind === kind && request.nth < count ? fault : undefined);

function settled(ending: Ending): boolean {
  return 'report' in ending && ending.report.complete && ending.report.counts.failed + ending.report.counts.conflicts + ending.report.problems === 0;
}

/** One run through what breaks, held to the laws. */
async function broken(world: World, direction: 'up' | 'down', rule: Rule): Promise<{ readonly ending: Ending; readonly before: Held; readonly after: Held }> {
  const [from, to] = direction === 'up' ? ['tree', 'bucket'] as const : ['bucket', 'tree'] as const;
  const source = await world.held(from);
  const before = await world.held(to);
  world.proxy.reset();
  world.proxy.rule = rule;
  const ending = await world.run(direction);
  await world.proxy.idle();
  const after = await world.held(to);
  lawful(ending, { source, before, after });
  return { ending, before, after };
}

for (const { on, seeds, uploadFaults, skip } of places) describe(`between a directory and ${on}, through what breaks`, { skip }, () => {
  test('a run in which nothing breaks is passed on whole, and the second writes nothing', async () => {
    await using world = await World.start(1, on);
    world.fill(30, 1);
    await world.mend('up');
    await world.mend('up');
    const { put = 0, part = 0, delete: deletes = 0 } = world.proxy.traffic.requests;
    assert.deepEqual([put, part, deletes], [0, 0, 0]);
    await world.mend('down');
  });

  for (const fault of uploadFaults) {
    test(`uploads end equal where the first of them meet ${JSON.stringify(fault)}`, async () => {
      await using world = await World.start(2, on);
      world.fill(12, 1);
      await world.mend('up');
      world.fill(12, 1);
      world.remove('d0/f3');
      for (const kind of ['put', 'part', 'complete-parts', 'delete-many']) {
        const { ending } = await broken(world, 'up', first(kind, 2, fault));
        assert.ok(settled(ending), `${kind}: ${'error' in ending ? ending.error.sentence : JSON.stringify(ending.report.failures.map(({ error }) => error.sentence))}`);
        world.fill(12, 1);
        world.remove('d0/f3');
      }
    });
  }

  test('what the server says it stored otherwise than sent is a failure, not a success', async () => {
    await using world = await World.start(3, on);
    world.fill(3);
    const { ending } = await broken(world, 'up', always('put', { fault: 'tag', tag: '0'.repeat(32) }));
    assert.ok(!settled(ending));
    await world.mend('up');
  });

  for (const fault of [{ fault: 'cut', share: 0.4 }, { fault: 'cut', share: 0.4, whole: true }, { fault: 'spoil', of: 'answer' }, { fault: 'status', status: 503 }, { fault: 'reset', when: 'before' }] as const satisfies readonly Fault[]) {
    test(`no download that meets ${JSON.stringify(fault)} is taken for the object`, async () => {
      await using world = await World.start(4, on);
      world.fill(12, 1);
      await world.mend('up');
      for (const key of ['d0/f3', 'd1/f4']) world.write({ [key]: 'what was there before' });
      world.remove('d2/f5');
      world.remove('large/0');
      const { ending } = await broken(world, 'down', always('get', fault));
      assert.ok(!settled(ending));
      await broken(world, 'down', first('get', 2, fault));
      await world.mend('down');
    });
  }

  for (const fault of [{ fault: 'cut', share: 0.6, whole: true }, { fault: 'spoil', of: 'answer' }] as const satisfies readonly Fault[]) {
    test(`a large object is replaced, and nothing of it is left, where what is asked about the old one meets ${JSON.stringify(fault)}`, async () => {
      await using world = await World.start(7, on);
      world.fill(3, 1);
      await world.mend('up');
      world.write({ 'large/0': Buffer.alloc(world.service.largeBytes + 1, 'new') });
      await broken(world, 'up', always('get', fault));
      await world.mend('up');
      assert.deepEqual(await world.service.litter(), []);
    });
  }

  test('a server that is overloaded half of the time is worn down', async () => {
    await using world = await World.start(5, on);
    world.fill(40);
    const { ending } = await broken(world, 'up', ({ kind }) => (kind === 'put' && world.random.chance(0.3) ? { fault: 'status', status: 503 } : undefined));
    assert.ok('report' in ending);
    await world.mend('up');
  });

  test('a server that never answers is a sentence, and nothing is deleted', async () => {
    await using world = await World.start(6, on);
    world.fill(10);
    await world.mend('up');
    for (const direction of ['up', 'down'] as const) {
      world.remove('d1/f1');
      const { ending, before, after } = await broken(world, direction, () => ({ fault: 'status', status: 503 }));
      assert.ok('error' in ending);
      same(before, after);
      await world.mend('up');
      world.write({ 'd1/f1': 'again' });
      await world.mend('up');
    }
  });

  for (const seed of seeds) {
    test(`whatever breaks under the seed ${seed}, no object is wrong, none is gone, and the next run ends equal`, async () => {
      await using world = await World.start(100 + seed, on);
      const { random } = world;
      const faults: readonly Fault[] = [
        { fault: 'reset', when: 'before' }, { fault: 'reset', when: 'during' }, { fault: 'reset', when: 'after' }, { fault: 'status', status: 500 }, { fault: 'status', status: 500, done: true }, { fault: 'status', status: 503 },
        { fault: 'cut', share: 0.5 }, { fault: 'cut', share: 0.9, whole: true }, { fault: 'spoil', of: 'answer' }, { fault: 'spoil', of: 'request' }, { fault: 'tag', tag: 'f'.repeat(32) }, { fault: 'delay', ms: 5 },
      ];
      world.fill(20, 1);
      await world.mend('up');
      for (let round = 0; round < 6; round++) {
        const share = random.pick([0.05, 0.2, 0.6]);
        const direction = random.pick(['up', 'down'] as const);
        world.fill(8, random.below(2));
        const [gone] = (await world.held('tree')).keys();
        world.remove(gone!);
        await broken(world, direction, () => (random.chance(share) ? random.pick(faults) : undefined));
        await world.mend(random.pick(['up', 'down'] as const));
      }
    });
  }
});
