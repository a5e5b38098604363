import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

const { values } = parseArgs({ options: { seeds: { type: 'string' }, seed: { type: 'string' } } });
const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const count = Number(values.seeds ?? (values.seed === undefined ? 2_000 : 1));
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count)) throw new Error('--seed and --seeds take whole numbers');

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
