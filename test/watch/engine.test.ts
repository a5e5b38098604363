import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SyncError } from '../../src/model/errors.ts';
import type { Store } from '../../src/model/store.ts';
import { wrap } from '../../src/testing/wrap.ts';
import { filled, World } from './world.ts';

const minute = 60_000;

/** A store that turns everything away while `down` says why. */
function failing(store: Store, state: { down: SyncError | undefined; tries: number }): Store {
  const check = (): void => {
    state.tries++;
    if (state.down) throw state.down;
  };
  return wrap<Store>(store, {
    async *scan(options) {
      check();
      yield* store.scan(options);
    },
    async write(batch, call) {
      check();
      return await store.write(batch, call);
    },
  });
}

describe('a watched pairing', () => {
  it('is mirrored as a whole first, then only where hints point', async () => {
    await using world = filled(new World(), 30);
    await world.start();
    world.assertEqual();
    world.edit('a/1', 'changed');
    world.edit('b/new', 'new');
    world.source.drop('a/2');
    await world.clock.pass(100);
    world.assertEqual();
    assert.deepEqual(world.reaches, ['everything', ['a/1', 'a/2', 'b/new']]);
  });

  it('begins to listen before the first run, so that nothing changes unseen between the two', async () => {
    let edited = false;
    await using world: World = new World({ around: { source: (store) => wrap(store, {
      async *scan(options) {
        const pages = await Array.fromAsync(store.scan(options));
        if (!edited) world.edit('late', 'after it was listed');
        edited = true;
        yield* pages;
      },
    }) } });
    world.edit('early', 'text');
    await world.start();
    await world.clock.pass(100);
    world.assertEqual();
    assert.deepEqual(world.reaches, ['everything', ['late']]);
  });

  it('waits for a quiet moment, but not for ever', async () => {
    await using world = filled(new World(), 5);
    await world.start();
    for (let i = 0; i < 10; i++) {
      world.edit('a/1', `version ${i}`);
      await world.clock.pass(10);
    }
    assert.equal(world.reaches.length, 1);
    await world.clock.pass(20);
    assert.equal(world.reaches.length, 2);
    for (let i = 0; i < 150; i++) {
      world.edit('a/1', `steady ${i}`);
      await world.clock.pass(10);
    }
    assert.equal(world.reaches.length, 3);
    await world.clock.pass(1_000);
    world.assertEqual();
  });

  it('looks at everything when hints say so, or when there are too many of them', async () => {
    await using world = filled(new World({ mostKeys: 20 }), 5);
    await world.start();
    world.teller.tell('');
    await world.clock.pass(100);
    for (let i = 0; i < 10_000; i++) world.edit(`storm-${i}`, 'x');
    await world.clock.pass(100);
    for (let i = 0; i < 10_000; i++) world.edit(`deep/${i % 3}/${i}`, 'x');
    await world.clock.pass(100);
    world.assertEqual();
    assert.deepEqual(world.reaches, ['everything', 'everything', 'everything', ['deep/0', 'deep/1', 'deep/2']]);
  });

  it('finds what no hint told of, and what somebody did to the target, by a full pass', async () => {
    await using world = filled(new World(), 10);
    await world.start();
    world.teller.deaf = true;
    world.edit('a/3', 'unheard of');
    world.target.edit('a/4', Buffer.from('overwritten'));
    world.target.drop('a/5');
    world.target.edit('a/stray', Buffer.from('surplus'));
    await world.clock.pass(9 * minute);
    assert.equal(world.reaches.length, 1);
    await world.clock.pass(2 * minute);
    world.assertEqual();
  });

  it('polls a source that cannot tell of its changes', async () => {
    await using world = filled(new World({ tells: false }), 5);
    await world.start();
    assert.deepEqual(world.of('watching'), [{ kind: 'watching', sources: 0, polled: 1 }]);
    world.edit('a/1', 'changed');
    await world.clock.pass(29_000);
    assert.equal(world.reaches.length, 1);
    await world.clock.pass(2_000);
    world.assertEqual();
  });

  it('goes on when the subscription breaks off, and looks at everything once it stands again', async () => {
    await using world = filled(new World(), 5);
    await world.start();
    world.teller.refusing = true;
    world.teller.break(new Error('too many events'));
    await world.clock.pass(10);
    world.edit('a/1', 'while nobody listened');
    await world.clock.pass(31_000);
    world.assertEqual();
    world.teller.refusing = false;
    world.edit('a/1', 'before it stood again');
    await world.clock.pass(minute);
    world.assertEqual();
    world.edit('a/2', 'heard again');
    await world.clock.pass(100);
    world.assertEqual();
    assert.deepEqual(world.reaches.at(-1), ['a/2']);
    assert.equal(world.of('trouble').length, 1);
    assert.equal(world.of('recovered').length, 1);
  });

  it('looks at everything once a subscription that broke off stands again, however seldom it polls', async () => {
    await using world = filled(new World({ pollEveryMs: 600 * minute, fullEveryMs: 600 * minute }), 5);
    await world.start();
    world.teller.refusing = true;
    world.teller.break(new Error('too many events'));
    await world.clock.pass(100);
    world.edit('a/1', 'while nobody listened');
    world.teller.refusing = false;
    await world.clock.pass(2 * minute);
    world.assertEqual();
  });

  it('does all that is due when the clock was set back', async () => {
    await using world = filled(new World(), 5);
    await world.start();
    world.clock.set(world.clock.now() - 60 * minute);
    world.edit('a/1', 'changed');
    await world.clock.pass(100);
    world.assertEqual();
    world.teller.deaf = true;
    world.edit('a/2', 'unheard of');
    await world.clock.pass(11 * minute);
    world.assertEqual();
  });

  it('ends at once when it is told to before it began', async () => {
    await using world = new World();
    await world.stop();
    await world.start();
    await world.ended;
    assert.deepEqual(world.events, []);
  });
});

describe('what fails while watching', () => {
  it('is said once, tried ever less often, and made good when the target is back', async () => {
    const state: { down: SyncError | undefined; tries: number } = { down: undefined, tries: 0 };
    await using world = filled(new World({ around: { target: (store) => failing(store, state) } }), 50);
    await world.start();
    state.down = new SyncError('unavailable', 'target: the network is gone');
    for (let i = 0; i < 50; i++) world.edit(`a/${i}`, 'changed');
    await world.clock.pass(1_000);
    state.tries = 0;
    for (let i = 0; i < 10; i++) {
      world.edit(`b/${i}`, 'new');
      await world.clock.pass(minute);
    }
    assert.ok(state.tries < 200, `${state.tries} tries in ten minutes`);
    assert.equal(world.of('trouble').length, 1);
    assert.equal(world.of('recovered').length, 0);
    state.down = undefined;
    await world.clock.pass(minute);
    world.assertEqual();
    assert.equal(world.of('recovered').length, 1);
  });

  it('makes few tries, however many hints come meanwhile', async () => {
    const state: { down: SyncError | undefined; tries: number } = { down: undefined, tries: 0 };
    await using world = filled(new World({ around: { target: (store) => failing(store, state) } }), 5);
    await world.start();
    state.down = new SyncError('denied', 'target: you may no longer');
    state.tries = 0;
    for (let i = 0; i < 600; i++) {
      world.edit('a/1', `version ${i}`);
      await world.clock.pass(100);
    }
    assert.ok(state.tries > 10 && state.tries < 100, `${state.tries} tries in a minute`);
    state.down = undefined;
    await world.clock.pass(minute);
    world.assertEqual();
  });

  it('lets through what helps: the deletions that make room', async () => {
    await using world: World = filled(new World({ backoff: { firstMs: 50, mostMs: 500 }, around: { target: (store) => wrap<Store>(store, {
      write: async (batch, call) => {
        const full = batch.some(({ kind }) => kind === 'put') && world.target.size >= 20;
        return full ? batch.map(() => ({ kind: 'failed', error: new SyncError('unavailable', 'target: no space is left') })) : await store.write(batch, call);
      },
    }) } }), 20);
    await world.start();
    world.edit('b/new', 'text');
    await world.clock.pass(10_000);
    world.source.drop('a/1');
    world.source.drop('a/2');
    await world.clock.pass(20_000);
    world.assertEqual();
  });

  it('does not end the watching when it is the very first run that finds nobody there', async () => {
    const state = { down: new SyncError('unavailable', 'target: nobody answers') as SyncError | undefined, tries: 0 };
    await using world = filled(new World({ around: { target: (store) => failing(store, state) } }), 5);
    await world.start();
    await world.clock.pass(5 * minute);
    assert.equal(world.of('trouble').length, 1);
    state.down = undefined;
    await world.clock.pass(minute);
    world.assertEqual();
  });

  it('ends it when the very first run fails for a reason that waiting does not mend', async () => {
    const state = { down: new SyncError('denied', 'target: you may not') as SyncError | undefined, tries: 0 };
    await using world = filled(new World({ around: { target: (store) => failing(store, state) } }), 5);
    await world.start();
    await assert.rejects(world.ended, /you may not/);
  });

  it('holds up only the entry it befalls', async () => {
    let broken = true;
    await using world = filled(new World({ around: { target: (store) => wrap<Store>(store, {
      write: async (batch, call) => {
        const bad = batch.findIndex((write) => write.kind === 'put' && write.entry.key === 'a/bad');
        if (!broken || bad < 0) return await store.write(batch, call);
        const rest = batch.length > 1 ? await store.write(batch.toSpliced(bad, 1), call) : [];
        return rest.toSpliced(bad, 0, { kind: 'failed', error: new SyncError('denied', 'target: not this one', { key: 'a/bad' }) });
      },
    }) } }), 5);
    world.edit('a/bad', 'text');
    await world.start();
    await world.clock.pass(10 * minute);
    world.edit('a/1', 'changed');
    await world.clock.pass(100);
    assert.equal(String(world.target.dump()['a/1']), 'changed');
    assert.equal(world.of('trouble').length, 1);
    broken = false;
    await world.clock.pass(minute);
    world.assertEqual();
  });

  it('is read again when a file changed while it was read, without a word', async () => {
    let changing = 2;
    await using world = filled(new World({ around: { target: (store) => wrap<Store>(store, {
      write: async (batch, call) => (changing-- > 0 ? batch.map(() => ({ kind: 'failed', error: new SyncError('conflict', 'it was changed while it was being read') })) : await store.write(batch, call)),
    }) } }), 3);
    await world.start();
    await world.clock.pass(5_000);
    world.assertEqual();
    assert.equal(world.of('trouble').length, 0);
  });
});

describe('a file that never stops changing', () => {
  it('is not read again and again, and does not hold up the others', async () => {
    let tries = 0;
    await using world = filled(new World({ around: { target: (store) => wrap<Store>(store, {
      write: async (batch, call) => {
        const restless = batch.findIndex((write) => write.kind === 'put' && write.entry.key === 'log');
        if (restless < 0) return await store.write(batch, call);
        tries++;
        const rest = batch.length > 1 ? await store.write(batch.toSpliced(restless, 1), call) : [];
        return rest.toSpliced(restless, 0, { kind: 'failed', error: new SyncError('conflict', 'it was changed while it was being read') });
      },
    }) } }), 5);
    await world.start();
    for (let i = 0; i < 1_200; i++) {
      world.edit('log', `line ${i}`);
      await world.clock.pass(500);
    }
    assert.ok(tries < 40, `${tries} tries in ten minutes`);
    assert.equal(world.of('trouble').length, 1);
    world.edit('a/1', 'changed');
    await world.clock.pass(100);
    assert.equal(String(world.target.dump()['a/1']), 'changed');
  });
});
