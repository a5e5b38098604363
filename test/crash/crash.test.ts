import { after, describe, test } from 'node:test';
import type { ServiceName } from '../faults/service.ts';
import { missingS3 } from '../services/s3.ts';
import { skipWithoutSwift } from '../services/swift.ts';
import { crash } from './crash.ts';
import type { Death, Scenario } from './crash.ts';

/** `npm run crash` asks for many more, of one service. */
const asked = process.env['CRASH_MOMENTS'] === undefined ? undefined : Number(process.env['CRASH_MOMENTS']);
const first = Number(process.env['CRASH_SEED'] ?? 1);
const only = process.env['CRASH_SERVICE'];

const places: readonly { readonly on: ServiceName; readonly moments: number; readonly skip: string | false }[] = [
  { on: 's3', moments: 3, skip: missingS3 ?? false },
  { on: 'swift', moments: 1, skip: await skipWithoutSwift() },
];
const doing: { readonly [scenario in Scenario]: string } = { upload: 'an upload', delete: 'an upload that deletes', download: 'a download that deletes' };

for (const { on, moments, skip } of places) describe(`a run with ${on} that is killed`, { skip: skip || (only !== undefined && only !== on) }, () => {
  const deaths: Death[] = [];
  for (const scenario of ['upload', 'delete', 'download'] as const) {
    for (let seed = first; seed < first + (asked ?? moments); seed++) {
      test(`in ${doing[scenario]}, under the seed ${seed}, loses nothing, and the next one transfers nothing complete again`, async () => {
        deaths.push(await crash(scenario, seed, on));
      });
    }
  }
  after(() => {
    const sum = (of: (death: Death) => number): number => deaths.reduce((total, death) => total + of(death), 0);
    console.log(`${deaths.length} moments, of which ${sum(({ missed }) => Number(missed))} came too late: ${sum(({ complete }) => complete)} files complete at the time, ${sum(({ sent }) => sent)} transferred by the next run, ${sum(({ litter }) => litter)} left lying about`);
  });
});
