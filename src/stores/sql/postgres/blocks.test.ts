import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../testing/random.ts';
import type { Random } from '../../../testing/random.ts';
import { gathered, linesIn, sideBySide, wholeLines } from './blocks.ts';

/** The text in pieces that are cut anywhere. */
async function* cut(text: string, random: Random): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    const next = Math.min(bytes.length, at + 1 + random.below(40));
    yield bytes.subarray(at, next);
    at = next;
  }
}

const keyOf = (line: string): number => Number(line.split('\t')[0]);

test('lines side by side are those that are equal and those of one side, wherever the text is cut', async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed);
    const lines = (): string[] => Array.from({ length: random.below(60) }, (_, i) => i).filter(() => random.chance(0.8)).map((i) => `${i}\tä${random.chance(0.2) ? 'x' : ''}`);
    const [left, right] = [lines(), lines()];
    const found = { left: 0, right: 0, equal: 0, changed: [] as string[], missing: [] as string[], onlyRight: [] as string[] };
    const text = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');
    for await (const page of sideBySide(wholeLines(cut(text(left), random)), wholeLines(cut(text(right), random)), (a, b) => keyOf(a) - keyOf(b))) {
      found.left += page.left;
      found.right += page.right;
      found.equal += page.equal;
      found.changed.push(...page.changed);
      found.missing.push(...page.missing);
      found.onlyRight.push(...page.onlyRight);
    }
    const both = left.filter((line) => right.includes(line));
    const alone = left.filter((line) => !both.includes(line));
    const isThere = (line: string): boolean => right.some((other) => keyOf(other) === keyOf(line));
    assert.deepEqual(found, { left: left.length, right: right.length, equal: both.length, changed: alone.filter(isThere), missing: alone.filter((line) => !isThere(line)), onlyRight: right.filter((line) => !both.includes(line)) }, `seed ${seed}`);
  }
});

test('gathered blocks hold whole lines, all of them', async () => {
  const random = seededRandom(1);
  const text = Array.from({ length: 500 }, (_, i) => `line ${i}\n`).join('');
  const blocks: Buffer[] = [];
  for await (const block of gathered(wholeLines(cut(text, random)), 300)) blocks.push(block);
  assert.equal(Buffer.concat(blocks).toString(), text);
  assert.ok(blocks.slice(0, -1).every((block) => block.length >= 300 && block.at(-1) === 0x0a));
  assert.equal(blocks.reduce((sum, block) => sum + linesIn(block), 0), 500);
});
