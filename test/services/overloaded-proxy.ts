// Between a client and a Cassandra that now and then says to have too much to do, of which a node on this machine can hardly be convinced.
import { relay } from './relay.ts';

/** A proxy in front of a node. */
export interface OverloadedProxy extends AsyncDisposable {
  readonly port: number;
  /** With what statements are answered in place of being run: that the node has too much to do, or that a write took others too long. */
  answer: 'overloaded' | 'write timeout' | undefined;
  /** How many were. */
  readonly refused: number;
}

const headBytes = 9;
/** The code of a request to run a prepared statement. */
const executes = 0x0a;

/** Starts a proxy in front of a node that listens at `port`. */
export async function overloadedProxy(port: number): Promise<OverloadedProxy> {
  const counted: { answer: OverloadedProxy['answer']; refused: number } = { answer: undefined, refused: 0 };
  const server = await relay(port, (near, toNode) => {
    const far = toNode();
    let rest = Buffer.alloc(0);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    far.on('data', (bytes: Buffer) => near.write(bytes));
    near.on('data', (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes]);
      while (rest.length >= headBytes && rest.length >= headBytes + rest.readUInt32BE(5)) {
        const frame = rest.subarray(0, headBytes + rest.readUInt32BE(5));
        rest = rest.subarray(frame.length);
        if (frame[4] === executes && counted.answer) {
          counted.refused++;
          near.write(refusal(frame, counted.answer));
        } else far.write(frame);
      }
    });
  });
  return Object.assign(counted, server);
}

/** An error as the fourth version of the protocol has it. */
function refusal(request: Buffer, answer: 'overloaded' | 'write timeout'): Buffer {
  const said = text(answer);
  const body = answer === 'overloaded' ? [int(0x1001), said] : [int(0x1100), said, short(1), int(0), int(1), text('SIMPLE')];
  const head = Buffer.from([request[0]! | 0x80, 0, request[2]!, request[3]!, 0]);
  return Buffer.concat([head, int(Buffer.concat(body).length), ...body]);
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function short(value: number): Buffer {
  return int(value).subarray(2);
}

function text(value: string): Buffer {
  return Buffer.concat([short(value.length), Buffer.from(value)]);
}
