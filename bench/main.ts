// Runs a benchmark by name: npm run bench -- resources|objects|watching|keys|records [--quick] [--rounds N] [--only TEXT] [--records N] [--no-build] [--closing]
import { parseArgs } from 'node:util';
import { benchKeys } from './many-keys.ts';
import { benchObjects } from './objects.ts';
import { benchRecords } from './records.ts';
import { benchResources } from './resources.ts';
import { benchWatching } from './watching.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' }, only: { type: 'string' }, records: { type: 'string' }, 'no-build': { type: 'boolean', default: false }, closing: { type: 'boolean', default: false } },
});

const [name, ...rest] = positionals;
const options = (rounds: string): Parameters<typeof benchResources>[0] => ({ quick: values.quick, rounds: Number(values.rounds ?? rounds), only: values.only, ...(values.records !== undefined && { records: Number(values.records) }), build: !values['no-build'] });
if (rest.length > 0 || (name !== 'resources' && name !== 'objects' && name !== 'watching' && name !== 'keys' && name !== 'records')) {
  console.error('usage: npm run bench -- resources|objects|watching|keys|records [--quick] [--rounds N] [--only TEXT] [--records N] [--no-build] [--closing]');
  process.exit(2);
}
if (name === 'resources') await benchResources(options('5'));
else if (name === 'watching') await benchWatching(options('3'));
else if (name === 'keys') await benchKeys(options('1'));
else if (name === 'records') await benchRecords(options('1'));
// Closing: the server of buckets ends every connection after one answer.
else await benchObjects({ ...options('3'), closing: values.closing });
