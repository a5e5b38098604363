// Between a client and a Cassandra, and now and then the answer to a statement is lost with the connection.
import { relay } from './relay.ts';

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
  const counted = { lose: 0, lost: 0 };
  const server = await relay(port, (near, toNode) => {
    const far = toNode();
    let doomed = false;
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.on('data', (bytes: Buffer) => {
      if (bytes[codeAt] === executes && counted.lose > 0) {
        counted.lose--;
        counted.lost++;
        doomed = true;
      }
      far.write(bytes);
    });
    far.on('data', (bytes: Buffer) => {
      if (doomed) near.destroy();
      else near.write(bytes);
    });
  });
  return Object.assign(counted, server);
}
