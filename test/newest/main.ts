// Has many write to two places that are kept in step by programs that are killed: npm run storm -- --seconds 600 [--seed N] [--names postgres-mysql,cassandra-opensearch]
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '600' }, seed: { type: 'string' }, names: { type: 'string' } } });
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
if (![values.seconds, seed].every((text) => Number.isSafeInteger(Number(text)))) throw new Error('--seconds and --seed take whole numbers');

const { status } = spawnSync(process.execPath, ['--test', '--test-force-exit', join(import.meta.dirname, 'storm.test.ts')], {
  stdio: 'inherit', env: { ...process.env, STORM_SECONDS: values.seconds, STORM_SEED: seed, ...(values.names !== undefined && { STORM_NAMES: values.names }), SYNCLINE_REQUIRE_SERVICES: '1' },
});
process.exitCode = status ?? 1;
