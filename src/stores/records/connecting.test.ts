import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeHost } from '../../testing/fake-host.ts';
import { connectPatiently, wasCut } from './connecting.ts';

function failure(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code });
}

test('a connection that is cut is made anew, and one that is refused is told at once', async () => {
  const failures = [failure('ECONNRESET'), failure('PROTOCOL_CONNECTION_LOST'), failure('ETIMEDOUT')];
  const connect = async (): Promise<string> => {
    const cause = failures.shift();
    if (cause) throw cause;
    return 'connected';
  };
  assert.equal(await connectPatiently(connect, { host: fakeHost(), passes: wasCut }), 'connected');
  for (const code of ['ECONNREFUSED', 'ENOTFOUND', '28P01']) {
    let tries = 0;
    await assert.rejects(connectPatiently(async () => { tries++; throw failure(code); }, { host: fakeHost(), passes: wasCut }), { code });
    assert.equal(tries, 1, code);
  }
});

test('who is cut again and again is told after a few seconds at most, and after fewer tries where each takes long', async () => {
  const [tries, slowTries] = await Promise.all([0, 6_000].map(async (eachMs) => {
    const host = fakeHost();
    const startedMs = host.now();
    let count = 0;
    await assert.rejects(connectPatiently(async () => {
      count++;
      await host.sleep(eachMs);
      throw failure('ECONNRESET');
    }, { host, passes: wasCut }), { code: 'ECONNRESET' });
    assert.ok(host.now() - startedMs < 15_000);
    return count;
  }));
  assert.deepEqual([tries, slowTries], [6, 2]);
});
