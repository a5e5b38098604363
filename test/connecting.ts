// What places on servers are held to where connections are cut while they are made.
import assert from 'node:assert/strict';
import type { Host } from '../src/model/host.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Store } from '../src/model/store.ts';
import { tcpProxy } from './services/tcp-proxy.ts';
import type { TcpFault } from './services/tcp-proxy.ts';

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
