import type { Key } from '../../model/key.ts';
import { parentOf } from './paths.ts';

/** Keys without those that lie below another one of them, and none twice. */
export function outermost(keys: Iterable<Key>): readonly Key[] {
  const all = new Set(keys);
  return [...all].filter((key) => {
    for (let above = key; above !== '';) {
      above = parentOf(above);
      if (all.has(above)) return false;
    }
    return true;
  });
}

/**
 * As {@link outermost}, and no more than `most`: beyond that the directories of the deepest keys stand for them, and in
 * the end the empty key, which stands for all.
 */
export function fewest(keys: Iterable<Key>, most: number): readonly Key[] {
  let few = outermost(keys);
  while (few.length > most) {
    const depths = few.map((key) => key.split('/').length);
    const deepest = depths.reduce((one, other) => Math.max(one, other), 0);
    few = outermost(few.map((key, i) => (depths[i] === deepest ? parentOf(key) : key)));
  }
  return few;
}
