import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench } from './cli/command.ts';
import { FaultProxy } from './faults/proxy.ts';
import { missingS3, newBucket, s3Server } from './services/s3.ts';

const mebibyte = 1024 * 1024;

/** The most parts of uploads that were on their way at once while four files of three parts each were mirrored. */
async function mostParts(...options: readonly string[]): Promise<number> {
  const { endpoint, environment } = await s3Server();
  await using proxy = await FaultProxy.start(endpoint);
  let under = 0;
  let most = 0;
  proxy.rule = ({ kind }) => {
    if (kind !== 'part') return undefined;
    most = Math.max(most, ++under);
    return { fault: 'delay', ms: 200 };
  };
  proxy.onAnswered = ({ kind }) => void (under -= kind === 'part' ? 1 : 0);
  using bench = new Bench();
  for (let i = 0; i < 4; i++) bench.write({ [`tree/${i}`]: 'x'.repeat(24 * mebibyte) });
  const target = `s3://${newBucket()}?endpoint=${proxy.url}&create=true&part-size=${8 * mebibyte}`;
  const { code, stderr } = await bench.syncline(['sync', 'tree', target, '--as', 'blobs', ...options], { environment });
  assert.equal(code, 0, stderr);
  return most;
}

test('--max-memory bounds what is held of uploads', { skip: missingS3 }, async () => {
  const bounded = await mostParts('--max-memory', '16M');
  assert.ok(bounded >= 1 && bounded <= 2, `${bounded} parts of 8 MiB were held within 16 MiB`);
  assert.ok(await mostParts() > 2, 'more are held where more may be');
});
