// Has a directory watched that is changed at random: npm run soak -- --seconds 1800 --seed 1
import { parseArgs } from 'node:util';
import { soak } from '../test/watch/soak.ts';

/** More than this, beside what a garbage collector leaves lying about, is growth. */
const mostGrowth = { share: 1.25, mebibytes: 16 };

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '1800' }, seed: { type: 'string', default: String(Date.now() % 1_000_000) } } });
const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
console.log(`${seconds} seconds, seed ${seed}`);
const { operations, files, digest, memory, exitCode, health } = await soak({ seconds, seed, tell: (line) => console.log(line) });
console.log(`${operations} operations; both sides equal: ${files} files, digest ${digest}`);
console.log(`${health.runs} runs, ${JSON.stringify(health.changes)}, ${health.failures} failures; ended with ${exitCode}`);
const grown = memory !== undefined && memory.late > memory.early * mostGrowth.share + mostGrowth.mebibytes;
if (memory) console.log(`memory ${memory.early.toFixed(1)} MiB in the first quarter, ${memory.late.toFixed(1)} MiB in the last${grown ? ': it grows' : ''}`);
process.exitCode = exitCode === 0 && !grown ? 0 : 1;
