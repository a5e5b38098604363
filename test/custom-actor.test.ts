import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { open } from '../examples/actor/folder.ts';
import { ActorStore } from '../src/index.ts';
import { testStore } from '../src/testing/index.ts';

const root = mkdtempSync(join(tmpdir(), 'syncline-actor-'));
after(() => rmSync(root, { recursive: true, force: true }));
let places = 0;
const openAgain = async (): Promise<ActorStore> => new ActorStore(open(`${places}`, '', { folder_root: root }));

describe('an actor that is written as the guide says', () => testStore(test, {
  open: () => {
    places++;
    return openAgain();
  },
  reopen: openAgain,
  forgive: { 'a key as long as the limit is kept, and a longer one is kept as well or refused, never cut short': 'each key is one name in a folder, and names are shorter than keys may be' },
}));

test('the guide shows the very actor that these laws are run against', () => {
  const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
  const shown = read('docs/guides/write-an-actor.md').match(/```ts\n\/\/ folder\.ts\n([\s\S]*?)```/)?.[1];
  assert.equal(shown, read('examples/actor/folder.ts').replaceAll("'../../src/index.ts'", "'syncline'"));
});
