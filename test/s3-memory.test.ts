// What is remembered of a bucket between runs, on a real server.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openState } from '../src/engine/state/sqlite-state.ts';
import { runSync } from '../src/engine/sync.ts';
import type { Report } from '../src/engine/types.ts';
import { SyncError } from '../src/model/errors.ts';
import type { Fact } from '../src/model/facts.ts';
import type { Outcome } from '../src/model/store.ts';
import { MemoryStore } from '../src/stores/memory/memory-store.ts';
import { fill, keysOf, put } from './services/s3-bucket.ts';
import { interferingProxy } from './services/interfering-proxy.ts';
import type { Interference, Passing } from './services/interfering-proxy.ts';
import { missingS3, newBucket, openS3, s3Server } from './services/s3.ts';

const week = 7 * 24 * 60 * 60 * 1_000;

/** A bucket that is opened anew for every run, with one memory. */
async function remembering(interfere: (passing: Passing) => Interference | undefined = () => undefined): Promise<{
  /** Puts an object that must not be there, by a run of its own; its outcome, and how many requests tried out the bucket. */
  run(key: string, expect?: { readonly version: string }): Promise<{ readonly outcome: Outcome | undefined; readonly trials: number; readonly requests: number }>;
  change(edit: (fact: Fact) => Fact | undefined): void;
} & AsyncDisposable> {
  const place = newBucket();
  await using opened = new AsyncDisposableStack();
  const proxy = opened.use(await interferingProxy((await s3Server()).endpoint, interfere));
  const state = opened.use(openState(undefined));
  const identities = new Set<string>();
  const facts = (identity: string): ReturnType<typeof state.facts> => (identities.add(identity), state.facts(identity));
  {
    await using made = await openS3(place);
    await fill(made, ['there']);
  }
  const kept = opened.move();
  return {
    async run(key, expect) {
      await using store = await openS3(place, { endpoint: proxy.origin, facts });
      const before = proxy.seen.length;
      const [outcome] = await store.write([{ ...put(key, key), expect: expect ?? { absent: true } }]);
      const sent = proxy.seen.slice(before);
      return { outcome, trials: sent.filter(({ url }) => url.includes('.syncline-probe-')).length, requests: sent.length };
    },
    change(edit) {
      for (const identity of identities) {
        const fact = state.facts(identity).get('conditions');
        assert.ok(fact);
        state.facts(identity).set('conditions', edit(fact));
      }
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

describe('what a bucket does with conditions', { skip: missingS3 }, () => {
  test('is found out once, and the next run believes it and is protected all the same', async () => {
    await using world = await remembering();
    assert.ok((await world.run('a')).trials > 10);
    const again = await world.run('b');
    assert.deepEqual([again.outcome?.kind, again.trials], ['done', 0]);
    assert.ok(again.requests <= 3, String(again.requests));
    assert.equal((await world.run('a')).outcome?.kind, 'stale');
  });

  test('is found out anew after a week, after the clock went back, and where what was written down makes no sense', async () => {
    await using world = await remembering();
    await world.run('a');
    const edits: readonly ((fact: Fact) => Fact | undefined)[] = [
      ({ text, at }) => ({ text, at: at - week }),
      ({ text, at }) => ({ text, at: at + 1_000_000 }),
      ({ at }) => ({ text: '{', at }),
      ({ text, at }) => ({ text: text.replace('"edition":1', '"edition":0'), at }),
      ({ text, at }) => ({ text: text.replace('"absent":"', '"absent":"x'), at }),
    ];
    for (const [i, edit] of edits.entries()) {
      world.change(edit);
      assert.ok((await world.run(`k${i}`)).trials > 10, String(edit));
      assert.equal((await world.run(`l${i}`)).trials, 0);
    }
  });

  test('is found out anew when another server answers', async () => {
    let other = false;
    await using world = await remembering(({ method, url }) => (other && method === 'HEAD' && !url.slice(1).includes('/') ? { kind: 'answer', status: 200, headers: { server: 'another' } } : undefined));
    await world.run('a');
    other = true;
    assert.ok((await world.run('b')).trials > 10);
  });

  test('is found out anew when the service refuses a condition that it once took, and the write goes on', async () => {
    let refusing = false;
    await using world = await remembering(({ headers }) => (refusing && headers['if-none-match'] !== undefined ? { kind: 'answer', status: 501, headers: { server: 'VERSITYGW' }, body: '<Error><Code>NotImplemented</Code></Error>' } : undefined));
    await world.run('a');
    refusing = true;
    const { outcome, trials } = await world.run('b');
    assert.ok(outcome?.kind === 'done' && outcome.unguarded === true, JSON.stringify(outcome));
    assert.ok(trials > 0);
  });

  test('is not remembered where something else was in the way', async () => {
    let denying = true;
    await using world = await remembering(({ method, url }) => (denying && method !== 'GET' && url.includes('.syncline-probe-') ? { kind: 'answer', status: 403, headers: { server: 'VERSITYGW' }, body: '<Error><Code>AccessDenied</Code></Error>' } : undefined));
    const first = await world.run('a');
    assert.ok(first.outcome?.kind === 'done' && first.outcome.unguarded === true);
    denying = false;
    const second = await world.run('b');
    assert.ok(second.trials > 10);
    assert.ok(second.outcome?.kind === 'done' && second.outcome.unguarded === undefined);
  });
});

test('nothing is deleted in a bucket that belongs to somebody else than the last time, and what cannot be told is no reason to stop', { skip: missingS3 }, async () => {
  let owner: string | undefined = 'us';
  const asked = ({ url }: Passing): Interference | undefined => (!url.includes('acl=') ? undefined : owner === undefined ? { kind: 'answer', status: 403 } : { kind: 'edit', edit: (body) => Buffer.from(body.toString().replace('testaccesskey', owner ?? '')) });
  await using proxy = await interferingProxy((await s3Server()).endpoint, asked);
  await using state = openState(undefined);
  const [place, source] = [newBucket(), new MemoryStore({ holds: 'blobs' })];
  for (const key of ['a', 'b']) source.edit(key, Buffer.from(key));
  await using direct = await openS3(place);
  const run = async (): Promise<Report> => {
    await fill(direct, ['a', 'b', 'c']);
    await using target = await openS3(place, { endpoint: proxy.origin });
    await using first = await openS3(place, { endpoint: proxy.origin });
    assert.equal(await first.fingerprint?.(), owner && `owner ${owner}`);
    return await runSync({ origins: [source], target, state, deletes: 'propagate' });
  };
  assert.equal((await run()).counts.deleted, 1);
  owner = 'them';
  await assert.rejects(run(), (error) => error instanceof SyncError && error.code === 'guarded' && error.message.includes('is not the place it was at the last run'));
  assert.deepEqual(await keysOf(direct), ['a', 'b', 'c']);
  for (const known of ['us', undefined] as const) {
    owner = known;
    assert.equal((await run()).counts.deleted, 1);
  }
});

test('a fact is remembered of one place, until it is replaced or forgotten', async () => {
  await using state = openState(undefined);
  const [one, other] = [state.facts('one'), state.facts('other')];
  one.set('x', { text: 'first', at: 1 });
  other.set('x', { text: 'elsewhere', at: 2 });
  one.set('x', { text: 'second', at: 3 });
  assert.deepEqual({ ...state.facts('one').get('x') }, { text: 'second', at: 3 });
  one.set('x', undefined);
  assert.equal(one.get('x'), undefined);
  assert.equal(other.get('x')?.text, 'elsewhere');
});

