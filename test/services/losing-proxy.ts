// Between a client and a Cassandra, and now and then the answer to a statement is lost with the connection.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A proxy in front of a node. */
export interface LosingProxy extends AsyncDisposable {
  readonly port: number;
  /** How many of the answers to come are lost; what they answer was done. */
  lose: number;
  /** How many were lost so far. */
  readonly lost: number;
}

/** The code of a request to run a prepared statement, at its place in the header of a frame. */
const executes = 0x0a;
const codeAt = 4;

/** Starts a proxy in front of a node that listens at `port`. */
export async function losingProxy(port: number): Promise<LosingProxy> {
  const sockets = new Set<Socket>();
  const proxy = { port: 0, lose: 0, lost: 0 };
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    let doomed = false;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (bytes: Buffer) => {
      if (bytes[codeAt] === executes && proxy.lose > 0) {
        proxy.lose--;
        proxy.lost++;
        doomed = true;
      }
      far.write(bytes);
    });
    far.on('data', (bytes: Buffer) => {
      if (doomed) near.destroy();
      else near.write(bytes);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy.port = (server.address() as AddressInfo).port;
  return Object.assign(proxy, {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
}
