// Kills real runs at many moments: npm run crash -- --moments 200 [--seed N]. Half of them upload, half of them delete.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { moments: { type: 'string', default: '200' }, seed: { type: 'string' } } });
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
const each = Math.ceil(Number(values.moments) / 2);
if (!Number.isSafeInteger(each) || each < 1 || !Number.isSafeInteger(Number(seed))) throw new Error('--moments and --seed take whole numbers');

console.log(`${2 * each} moments from the seed ${seed}`);
const { status } = spawnSync(process.execPath, ['--test', join(import.meta.dirname, 'crash.test.ts')], {
  stdio: 'inherit', env: { ...process.env, CRASH_MOMENTS: String(each), CRASH_SEED: seed, SYNCLINE_REQUIRE_SERVICES: '1' },
});
process.exitCode = status ?? 1;
