// Runs the example API by itself: node examples/api/main.ts [--port N] [--seed] [--latency MS]
// Prints its address, and serves until it is interrupted. With --seed it holds the trams and ferries of a small town.
import { parseArgs } from 'node:util';
import { townTransport } from './data.ts';
import { startExampleApi } from './server.ts';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, seed: { type: 'boolean', default: false }, latency: { type: 'string', default: '0' } },
});

const types = ['line', 'stop', 'departure'];
const api = await startExampleApi({ types, port: Number(values.port), latencyMs: Number(values.latency), resources: values.seed ? townTransport : [], log: false });
console.log(api.url);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void api.close());
