// A server on this machine that stands in front of another one, and has all of its connections closed with it.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** Starts one at a port of its own in front of `port`; `joined` is given each connection before anything passes, and `far` opens the other half of it. */
export async function relay(port: number, joined: (near: Socket, far: () => Socket) => void): Promise<{ readonly port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const kept = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => {}).on('close', () => void sockets.delete(socket));
  };
  const server = createServer((near) => joined(kept(near), () => kept(connect(port, '127.0.0.1')))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
