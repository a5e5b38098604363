import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { missingS3 } from '../services/s3.ts';
import { sharedListingLimit, skipWithoutSwift } from '../services/swift.ts';
import type { Fault } from './proxy.ts';
import { digestOf } from './service.ts';
import type { ServiceName } from './service.ts';
import { lawful, same, World } from './world.ts';

/** Where to try, and a little more than two pages of a listing there. */
const places: readonly { readonly on: ServiceName; readonly entries: number; readonly skip: string | false }[] = [
  { on: 's3', entries: 2_050, skip: missingS3 ?? false },
  { on: 'swift', entries: 2 * sharedListingLimit + 10, skip: await skipWithoutSwift() },
];

for (const { on, entries, skip } of places) describe(`listings of ${on} that are not what they seem`, { skip }, () => {
  test('a listing that fails at any of its pages deletes nothing, and ends in a sentence', async () => {
    await using world = await World.start(1, on);
    world.write(Object.fromEntries(Array.from({ length: entries }, (_, i) => [`d${i % 7}/f${i}`, `${i}`])));
    await world.mend('up');
    assert.equal((await world.held('bucket')).size, entries);
    const faults: readonly Fault[] = [{ fault: 'status', status: 500 }, { fault: 'reset', when: 'after' }, { fault: 'cut', share: 0.7 }, { fault: 'cut', share: 0.7, whole: true }, { fault: 'cut', share: 0, whole: true }, { fault: 'status', status: 403, code: 'AccessDenied' }];
    for (const direction of ['up', 'down'] as const) {
      const [from, to] = direction === 'up' ? ['tree', 'bucket'] as const : ['bucket', 'tree'] as const;
      // One of them is to be deleted, if anything is.
      if (direction === 'up') world.remove('d0/f0');
      else world.write({ 'd0/extra': 'only here' });
      const before = await world.held(to);
      for (const page of [1, 2, 3]) {
        for (const fault of faults) {
          world.proxy.reset();
          world.proxy.rule = (request) => (request.kind === 'list' && request.page === page ? fault : undefined);
          const ending = await world.run(direction);
          const after = await world.held(to);
          lawful(ending, { source: await world.held(from), before, after });
          same(before, after);
          const whole = 'report' in ending && ending.report.complete && ending.report.counts.failed === 0;
          assert.ok(!whole, `page ${page} failed with ${JSON.stringify(fault)}, and the run did not`);
        }
      }
      await world.mend(direction);
    }
  });

  test('an object that is overwritten after it was listed is neither replaced nor deleted', async () => {
    await using world = await World.start(2, on);
    world.proxy.rememberListings();
    world.fill(6);
    await world.mend('up');
    // What was asked for first was an empty bucket; from here on it is this one.
    world.proxy.rememberListings();
    await world.mend('up');
    await world.overwrite('d0/f0', 'theirs');
    await world.overwrite('d1/f1', 'theirs as well');
    world.write({ 'd0/f0': 'ours' });
    world.remove('d1/f1');
    world.proxy.rule = ({ kind }) => (kind === 'list' ? { fault: 'stale' } : undefined);
    const ending = await world.run('up');
    assert.ok('report' in ending);
    const after = await world.held('bucket');
    assert.deepEqual([after.get('d0/f0'), after.get('d1/f1')], [digestOf('theirs'), digestOf('theirs as well')]);
    assert.equal(ending.report.differences, 2);
    await world.mend('up');
  });

  test('an object that is overwritten after it was listed is not taken for what was listed', async () => {
    await using world = await World.start(3, on);
    world.fill(6);
    await world.mend('up');
    world.write({ 'd0/f0': 'older' });
    world.proxy.rememberListings();
    await world.run('down', { delete: false });
    await world.overwrite('d0/f0', 'newer');
    world.write({ 'd0/f0': 'older still' });
    world.proxy.rule = ({ kind }) => (kind === 'list' ? { fault: 'stale' } : undefined);
    const before = await world.held('tree');
    const ending = await world.run('down');
    lawful(ending, { source: await world.held('bucket'), before, after: await world.held('tree') });
    await world.mend('down');
    assert.equal((await world.held('tree')).get('d0/f0'), digestOf('newer'));
  });

  test('an object that came after it was listed is not overwritten', async () => {
    await using world = await World.start(4, on);
    world.fill(3);
    await world.mend('up');
    world.proxy.rememberListings();
    await world.mend('up');
    await world.overwrite('new', 'theirs');
    world.write({ new: 'ours' });
    world.proxy.rule = ({ kind }) => (kind === 'list' ? { fault: 'stale' } : undefined);
    const ending = await world.run('up');
    assert.ok('report' in ending);
    assert.equal((await world.held('bucket')).get('new'), digestOf('theirs'));
    assert.equal(ending.report.differences, 1);
    await world.mend('up');
  });
});
