// Runs a benchmark by name: npm run bench -- resources [--quick] [--rounds N] [--only TEXT] [--no-build]
import { parseArgs } from 'node:util';
import { benchResources } from './resources.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string', default: '5' }, only: { type: 'string' }, 'no-build': { type: 'boolean', default: false } },
});

if (positionals.length !== 1 || positionals[0] !== 'resources') {
  console.error('usage: npm run bench -- resources [--quick] [--rounds N] [--only TEXT] [--no-build]');
  process.exit(2);
}
await benchResources({ quick: values.quick, rounds: Number(values.rounds), only: values.only, build: !values['no-build'] });
