import assert from 'node:assert/strict';
import { renameSync, rmSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { heldIn, newPlace } from '../faults/service.ts';
import type { Service } from '../faults/service.ts';
import { skipWithoutSwift } from '../services/swift.ts';
import { Trees } from './trees.ts';

const patienceMs = 120_000;

/** Resolves once the container holds what the directory does; rejects with what differs when that takes too long. */
async function becomeSame({ source }: Trees, container: Service): Promise<void> {
  const byKey = (held: ReadonlyMap<string, string>): object => Object.fromEntries([...held].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  for (const endMs = Date.now() + patienceMs; ; await sleep(100)) {
    const [here, there] = [byKey(heldIn(source, () => true)), byKey(await container.held())];
    if (JSON.stringify(here) === JSON.stringify(there)) return;
    if (Date.now() > endMs) assert.deepEqual(there, here, 'the container did not become equal');
  }
}

describe('a watched directory and a container', { skip: await skipWithoutSwift() }, () => {
  it('are equal after files were made, changed, renamed and removed', async () => {
    const container = await newPlace('swift');
    await using target = await container.open();
    await using trees = new Trees();
    for (let i = 0; i < 20; i++) trees.write(`first/${i}.txt`, `text ${i}`);
    await trees.start({ backoff: { firstMs: 50, mostMs: 1_000 }, pairing: { target } });
    await becomeSame(trees, container);
    trees.write('new/file.txt', 'text');
    trees.write('first/3.txt', 'TEXT 3');
    await becomeSame(trees, container);
    renameSync(trees.at('first/4.txt'), trees.at('first/renamed.txt'));
    rmSync(trees.at('first/5.txt'));
    renameSync(trees.at('new'), trees.at('newer'));
    await becomeSame(trees, container);
    rmSync(trees.at('newer'), { recursive: true });
    await becomeSame(trees, container);
  });
});
