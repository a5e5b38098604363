import { parseArgs } from 'node:util';
import { runInterleavings } from './checkpoints.ts';
import { runDeletions } from './deletions.ts';
import { simulate } from './simulate.ts';

// `--checkpoints N` plays so many interleavings of commits and runs instead, `--deletions N` so many histories with deletions.
const { values } = parseArgs({ options: { seeds: { type: 'string' }, seed: { type: 'string' }, checkpoints: { type: 'string' }, deletions: { type: 'string' } } });
const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const count = Number(values.seeds ?? (values.seed === undefined ? 2_000 : 1));
const checkpoints = Number(values.checkpoints ?? 0);
const histories = Number(values.deletions ?? 0);
if (![first, count, checkpoints, histories].every(Number.isSafeInteger)) throw new Error('--seed, --seeds, --checkpoints and --deletions take whole numbers');

if (checkpoints > 0) {
  const { runs, commits } = await runInterleavings(checkpoints, first);
  console.log(`${checkpoints} interleavings from seed ${first}: ${commits} commits, ${runs} runs; nothing was lost, and nothing applied twice`);
  process.exit(0);
}

if (histories > 0) {
  const { runs, deletions } = await runDeletions(histories, first);
  console.log(`${histories} histories from seed ${first}: ${deletions} deletions, ${runs} runs; nothing that was deleted came back, and nothing newer was deleted`);
  process.exit(0);
}

const sum = { runs: 0, deaths: 0, faults: 0, writes: 0 };
for (let seed = first; seed < first + count; seed++) {
  try {
    const { runs, deaths, faults, writes } = await simulate(seed);
    sum.runs += runs;
    sum.deaths += deaths;
    sum.faults += faults;
    sum.writes += writes;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
console.log(`${count} seeds from ${first}: ${sum.runs} runs, ${sum.faults} faults, ${sum.deaths} deaths, ${sum.writes} writes; every law held`);
