// Kills real runs at many moments: npm run crash -- --moments 200 [--seed N] [--service s3|swift|records]. A third of them upload, a third delete as well, a third download; those of records merge by time.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { moments: { type: 'string', default: '200' }, seed: { type: 'string' }, service: { type: 'string', default: 's3' } } });
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
const byTime = values.service === 'records';
const scenarios = byTime ? 1 : 3;
const each = Math.ceil(Number(values.moments) / scenarios);
if (!Number.isSafeInteger(each) || each < 1 || !Number.isSafeInteger(Number(seed))) throw new Error('--moments and --seed take whole numbers');
if (!['s3', 'swift', 'records'].includes(values.service)) throw new Error('--service is s3, swift or records');

console.log(`${scenarios * each} moments with ${values.service} from the seed ${seed}`);
const { status } = spawnSync(process.execPath, ['--test', '--test-force-exit', join(import.meta.dirname, byTime ? 'by-time.test.ts' : 'crash.test.ts')], {
  stdio: 'inherit', env: { ...process.env, CRASH_MOMENTS: String(each), CRASH_SEED: seed, CRASH_SERVICE: values.service, SYNCLINE_REQUIRE_SERVICES: '1' },
});
process.exitCode = status ?? 1;
