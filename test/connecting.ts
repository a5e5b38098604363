// What places on servers are held to where connections are cut while they are made, or not to be had.
import assert from 'node:assert/strict';
import type { Host } from '../src/model/host.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Store } from '../src/model/store.ts';
import { tcpProxy } from './services/tcp-proxy.ts';
import type { TcpFault } from './services/tcp-proxy.ts';
import { waitingHost } from './services/waiting-host.ts';

/** Cuts connections to the server at `port` while they are made, and holds the place to try again, soon and not for ever, and at once to say that nothing listens. */
export async function outlivesCuts(port: number, open: (port: number, host: Host) => Promise<Store>): Promise<void> {
  let pauses = 0;
  const host: Host = { ...plainHost, sleep: async () => void pauses++ };
  const describing = async (at: number): Promise<void> => {
    await using store = await open(at, host);
    assert.ok(Array.isArray(await store.describe!()));
  };
  let closed: number;
  {
    await using proxy = await tcpProxy(port);
    closed = proxy.port;
    const faults: readonly TcpFault[] = [{ kind: 'refuse' }, { kind: 'cut', of: 'answered', bytes: 3 }, { kind: 'cut', of: 'asked', bytes: 5 }];
    for (const fault of faults) {
      const [first, before] = [proxy.connections, pauses];
      proxy.rule = (nth) => (nth < first + 2 ? fault : undefined);
      await describing(proxy.port);
      assert.ok(pauses > before, `${fault.kind}: nothing was cut`);
    }
    const before = pauses;
    proxy.rule = () => ({ kind: 'refuse' });
    await assert.rejects(describing(proxy.port), { code: 'unavailable' });
    assert.equal(pauses - before, 5);
  }
  const before = pauses;
  await assert.rejects(describing(closed), { code: 'unavailable' });
  assert.equal(pauses, before, 'where nothing listens, nothing is waited for');
}

/** Has somebody else hold the only connection there is, and the place wait for it, but not for ever, and not when it is told to stop. `hold` resolves to what lets go of it. */
export async function outlivesCrowds(open: (host: Host, options: { readonly patienceMs?: number }) => Promise<Store>, hold: () => Promise<() => Promise<void>>): Promise<void> {
  const letGo = await hold();
  const { host, said, after } = waitingHost();
  {
    await using store = await open(host, { patienceMs: 5_000 });
    await assert.rejects(store.describe!(), { code: 'throttled' });
  }
  {
    await using store = await open(host, {});
    const stop = new AbortController();
    after(10_000, async () => stop.abort());
    await assert.rejects(store.describe!({ signal: stop.signal }), (error: Error) => error.name === 'AbortError' || ('code' in error && error.code === 'interrupted'));
  }
  await using store = await open(host, {});
  after(60_000, letGo);
  assert.equal((await store.describe!()).length, 1);
  assert.match(said.join('\n'), /info: cannot connect to .*left alone for \d+ ms/);
}
