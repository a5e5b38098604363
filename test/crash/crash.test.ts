import { after, describe, test } from 'node:test';
import { missingS3 } from '../services/s3.ts';
import { crash } from './crash.ts';
import type { Death } from './crash.ts';

/** `npm run crash` asks for many more. */
const moments = Number(process.env['CRASH_MOMENTS'] ?? 3);
const first = Number(process.env['CRASH_SEED'] ?? 1);

describe('a run that is killed', { skip: missingS3 }, () => {
  const deaths: Death[] = [];
  for (const scenario of ['upload', 'delete'] as const) {
    for (let seed = first; seed < first + moments; seed++) {
      test(`in ${scenario === 'upload' ? 'an upload' : 'one that deletes'}, under the seed ${seed}, loses nothing, and the next one sends nothing complete again`, async () => {
        deaths.push(await crash(scenario, seed));
      });
    }
  }
  after(() => {
    const sum = (of: (death: Death) => number): number => deaths.reduce((total, death) => total + of(death), 0);
    console.log(`${deaths.length} moments, of which ${sum(({ missed }) => Number(missed))} came too late: ${sum(({ complete }) => complete)} objects complete at the time, ${sum(({ sent }) => sent)} sent by the next run, ${sum(({ litter }) => litter)} left that buckets were tried with`);
  });
});
