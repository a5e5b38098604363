// Between a client and any server, whatever they speak: now and then what passes is cut off, held up, or not let through at all.
import type { Socket } from 'node:net';
import { relay } from './relay.ts';

/**
 * What befalls a connection. `refuse`: it is cut before anything passes. `cut`: when so many bytes were asked or answered, and
 * no byte more of those. `stall`: from then on nothing passes for a while. `slow`: each piece comes so much later.
 */
export type TcpFault =
  | { readonly kind: 'refuse' }
  | { readonly kind: 'cut'; readonly of: 'asked' | 'answered'; readonly bytes: number }
  | { readonly kind: 'stall'; readonly of: 'asked' | 'answered'; readonly bytes: number; readonly ms: number }
  | { readonly kind: 'slow'; readonly ms: number };

/** A proxy in front of one server on this machine. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** What befalls the connection of this number, from now on. */
  rule: (nth: number) => TcpFault | undefined;
  /** Connections so far, and those of them that something befell. */
  readonly connections: number;
  readonly faults: number;
}

/** Starts a proxy in front of the server that listens at `port`. */
export async function tcpProxy(port: number): Promise<TcpProxy> {
  const counted = { connections: 0, faults: 0, rule: (_: number): TcpFault | undefined => undefined };
  const server = await relay(port, (near, toServer) => {
    const fault = counted.rule(counted.connections++);
    if (fault) counted.faults++;
    if (fault?.kind === 'refuse') return void near.resetAndDestroy();
    const far = toServer();
    const cut = (): void => {
      for (const socket of [near, far]) if (!socket.destroyed) socket.resetAndDestroy();
    };
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on('error', cut);
    }
    const of = fault && 'of' in fault ? fault.of : undefined;
    pass(near, far, { fault: of === 'answered' ? undefined : fault, cut });
    pass(far, near, { fault: of === 'asked' ? undefined : fault, cut });
  });
  return Object.assign(counted, server);
}

function pass(from: Socket, to: Socket, { fault, cut }: { readonly fault: TcpFault | undefined; readonly cut: () => void }): void {
  let passed = 0;
  const slowMs = fault?.kind === 'slow' ? fault.ms : 0;
  const send = (piece: Buffer): void => {
    if (to.destroyed) return cut();
    if (!to.write(piece)) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  };
  from.on('data', (piece: Buffer) => {
    const [before, after] = [passed, passed += piece.length];
    if (fault?.kind === 'cut' && after > fault.bytes) {
      send(piece.subarray(0, fault.bytes - before));
      // What was let through has to arrive before the end does.
      from.pause();
      setTimeout(cut, 2);
    } else if (fault?.kind === 'stall' && before <= fault.bytes && after > fault.bytes) {
      from.pause();
      setTimeout(() => {
        send(piece);
        from.resume();
      }, fault.ms);
    } else if (slowMs > 0) setTimeout(() => send(piece), slowMs);
    else send(piece);
  });
  from.on('end', () => setTimeout(() => to.end(), slowMs));
  from.on('close', () => setTimeout(() => to.end(), slowMs));
}
