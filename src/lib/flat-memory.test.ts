import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'node:test';

const program = `
  import { getHeapSpaceStatistics } from 'node:v8';
  import { keepMemoryFlat } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'flat-memory.ts')).href)};
  const bytes = () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size;
  const sizes = [bytes()];
  if (process.argv[1] === 'flat') keepMemoryFlat();
  sizes.push(bytes());
  let pages = [];
  for (let i = 0; i < 400; i++) pages = [...pages.slice(-5), Array.from({ length: 5_000 }, (_, nth) => ({ key: String(nth), i }))];
  sizes.push(bytes());
  console.log(JSON.stringify(sizes));
`;

/** The room for new values at the start, after it was asked for, and after much has passed through. */
function roomOf(mode: 'flat' | 'as it is'): readonly [number, number, number] {
  const output = execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program, mode], { encoding: 'utf8', timeout: 60_000 });
  return JSON.parse(output) as [number, number, number];
}

test('the room for new values grows once, and not with what passes through', () => {
  const [before, asked, after] = roomOf('flat');
  assert.ok(asked >= 8 * before && asked <= 16 * before, `${before} became ${asked}`);
  assert.equal(after, asked);
  const [, , left] = roomOf('as it is');
  assert.ok(left > asked, `left alone it grows to ${left}`);
});
