// Buckets as Swift offers them by its S3 interface.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openState, sync } from '../src/index.ts';
import type { Report } from '../src/index.ts';
import { plainHost } from '../src/model/plain-host.ts';
import { digestOf, heldIn } from './faults/service.ts';
import { large, mebibyte } from './services/s3-bucket.ts';
import { newBucket, openAt } from './services/s3.ts';
import { sharedSwift, skipWithoutSwift } from './services/swift.ts';

const root = mkdtempSync(join(tmpdir(), 'syncline-swift-s3-'));
after(() => rmSync(root, { recursive: true, force: true }));

describe('a bucket that is a container of Swift', { skip: await skipWithoutSwift() }, () => {
  test('is kept as a directory is, large files in parts too, and nothing is sent twice', async () => {
    const { s3 } = await sharedSwift();
    const bucket = newBucket();
    const endpoint = `s3://${bucket}/www?endpoint=${s3.endpoint}&create=true&multipartFrom=${6 * mebibyte}&partSize=${5 * mebibyte}`;
    const [tree, copy] = [join(root, 'tree'), join(root, 'copy')];
    mkdirSync(join(tree, 'd'), { recursive: true });
    for (let i = 0; i < 12; i++) writeFileSync(join(tree, 'd', `f ${i}+é`), `text ${i}`);
    writeFileSync(join(tree, 'large'), large(12 * mebibyte));
    await using state = openState(join(root, 'state'));
    const run = async (from: string, to: string): Promise<Report> => {
      const report = await sync(from, to, { host: { ...plainHost, environment: s3.environment }, state, delete: true, as: 'blobs' });
      assert.deepEqual([report.complete, report.counts.failed, report.problems], [true, 0, 0]);
      return report;
    };
    assert.equal((await run(tree, endpoint)).counts.created, 13);
    const { counts: { created, updated, deleted } } = await run(tree, endpoint);
    assert.deepEqual([created, updated, deleted], [0, 0, 0]);
    writeFileSync(join(tree, 'd', 'f 3+é'), 'TEXT 3');
    rmSync(join(tree, 'd', 'f 4+é'));
    writeFileSync(join(tree, 'large'), large(12 * mebibyte, 2));
    const changed = await run(tree, endpoint);
    assert.deepEqual([changed.counts.created, changed.counts.updated, changed.counts.deleted], [0, 2, 1]);
    await run(endpoint, copy);
    const everything = (): boolean => true;
    assert.deepEqual([...heldIn(copy, everything)].toSorted(), [...heldIn(tree, everything)].toSorted());
  });

  test('says that it enforces nothing, and what it was told is in the way is left alone', async () => {
    await using store = await openAt((await sharedSwift()).s3, newBucket());
    const put = (text: string): Parameters<typeof store.write>[0][number] => ({ kind: 'put', entry: { key: 'a', content: { kind: 'blob', async *bytes() { yield Buffer.from(text); } } }, expect: { absent: true } });
    const [first] = await store.write([put('first')]);
    const [second] = await store.write([put('second')]);
    assert.deepEqual([first?.kind, first?.kind === 'done' && first.unguarded, second?.kind], ['done', true, 'stale']);
    assert.deepEqual(store.capabilities.expects, []);
    const [entry] = await store.read([{ key: 'a' }]);
    assert.equal(entry?.digest?.value, digestOf('first'));
  });
});
