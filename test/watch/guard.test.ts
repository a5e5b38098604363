import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { wrap } from '../../src/testing/wrap.ts';
import { filled, World } from './world.ts';

const minute = 60_000;

describe('the guard of a watched pairing', () => {
  it('deletes nothing when the source is empty, says so once, and goes on', async () => {
    await using world = filled(new World(), 20);
    await world.start();
    const before = world.target.dump();
    world.teller.deaf = true;
    for (let i = 0; i < 20; i++) world.source.drop(`a/${i}`);
    world.teller.deaf = false;
    world.teller.tell('');
    await world.clock.pass(30 * minute);
    assert.deepEqual(world.target.dump(), before);
    assert.equal(world.of('refused').length, 1);
    filled(world, 20);
    await world.clock.pass(11 * minute);
    world.assertEqual();
    assert.equal(world.of('recovered').length, 1);
    world.source.drop('a/1');
    await world.clock.pass(100);
    world.assertEqual();
  });

  it('refuses too many deletions of a part by what the whole target holds, and still writes what is new', async () => {
    await using world = filled(new World(), 100);
    await world.start();
    for (let i = 0; i < 80; i++) world.source.drop(`a/${i}`);
    world.edit('b/new', 'new');
    await world.clock.pass(100);
    assert.equal(world.target.size, 101);
    assert.equal(world.of('refused').length, 1);
    world.edit('a/90', 'changed');
    await world.clock.pass(100);
    assert.equal(String(world.target.dump()['a/90']), 'changed');
  });

  it('lets a directory be renamed, however much it holds', async () => {
    await using world = filled(filled(new World(), 90), 3, 'b');
    await world.start();
    for (let i = 0; i < 90; i++) {
      world.source.drop(`a/${i}`);
      world.edit(`c/a/${i}`, `text ${i}`);
    }
    await world.clock.pass(100);
    world.assertEqual();
    assert.equal(world.of('refused').length, 0);
  });

  it('lets it be renamed, too, where its new name is heard of a moment later', async () => {
    await using world = filled(filled(new World(), 90), 3, 'b');
    await world.start();
    for (let i = 0; i < 90; i++) world.source.drop(`a/${i}`);
    await world.clock.pass(100);
    assert.equal(world.of('refused').length, 1);
    for (let i = 0; i < 90; i++) world.edit(`c/a/${i}`, `text ${i}`);
    await world.clock.pass(100);
    world.assertEqual();
  });

  it('does not take something else of the same size for what was renamed, now or by the next full pass', async () => {
    await using world = filled(filled(new World(), 90), 3, 'b');
    await world.start();
    for (let i = 0; i < 90; i++) {
      world.source.drop(`a/${i}`);
      world.edit(`c/a/${i}`, `else ${i}`);
    }
    await world.clock.pass(30 * minute);
    assert.equal(world.target.size, 183);
    assert.equal(world.of('refused').length, 1);
    for (let i = 0; i < 90; i++) world.edit(`a/${i}`, `text ${i}`);
    await world.clock.pass(11 * minute);
    world.assertEqual();
    assert.equal(world.of('recovered').length, 1);
    world.source.drop('a/1');
    await world.clock.pass(100);
    world.assertEqual();
  });

  it('counts deletions that come bit by bit', async () => {
    await using world = filled(new World(), 100);
    await world.start();
    for (let i = 0; i < 100; i++) {
      world.source.drop(`a/${i}`);
      await world.clock.pass(50);
    }
    assert.ok(world.target.size >= 45, `${world.target.size} are left`);
    assert.equal(world.of('refused').length, 1);
    await world.clock.pass(30 * minute);
    assert.ok(world.target.size >= 45);
  });

  it('lets everything go where that was asked for', async () => {
    await using world = filled(new World({ guard: { maxDeletes: Infinity } }), 100);
    await world.start();
    for (let i = 0; i < 100; i++) {
      world.source.drop(`a/${i}`);
      await world.clock.pass(50);
    }
    world.assertEqual();
    assert.equal(world.target.size, 0);
  });

  it('takes nothing from a source that is not the place it was', async () => {
    let disk = 'one';
    await using world = filled(new World({ around: { source: (store) => wrap(store, { fingerprint: async () => disk }) } }), 20);
    await world.start();
    disk = 'another';
    world.source.drop('a/1');
    world.edit('a/2', 'from another disk');
    await world.clock.pass(100);
    assert.equal(world.target.size, 20);
    assert.equal(String(world.target.dump()['a/2']), 'text 2');
    assert.equal(world.of('refused').length, 1);
    disk = 'one';
    await world.clock.pass(11 * minute);
    world.assertEqual();
  });
});

it('a watched pairing does not hear what is written by each run itself', async () => {
  await using world = filled(new World({ isDeafTo: (key) => key === 'state' }), 3);
  await world.start();
  world.edit('state', 'remembered');
  await world.clock.pass(5_000);
  assert.equal(world.of('started').length, 1);
});
