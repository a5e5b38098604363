import { SyncError } from '../../model/errors.ts';

/** Whether a collection is one of those that an option names: names and globs with `*` and `?`, separated by commas, and not one of those behind a `!`. Without one, all are. */
export function chooser(option: string | undefined): (collection: string) => boolean {
  if (option === undefined) return () => true;
  const patterns = option.split(',').map((pattern) => [...pattern.trim()]);
  if (patterns.some((pattern) => pattern.length === 0)) throw new SyncError('invalid', `collections is ${JSON.stringify(option)}, which holds an empty name`, { hint: 'write names and globs with commas between them, as in orders,customer*' });
  const chosen = patterns.filter(([first]) => first !== '!');
  const left = patterns.filter(([first]) => first === '!').map(([, ...pattern]) => pattern);
  // Most entries are of the collection that the one before was of.
  let last: { readonly collection: string; readonly chosen: boolean } | undefined;
  return (collection) => {
    if (last?.collection === collection) return last.chosen;
    const name = [...collection];
    last = { collection, chosen: (chosen.length === 0 || chosen.some((pattern) => matches(pattern, name))) && !left.some((pattern) => matches(pattern, name)) };
    return last.chosen;
  };
}

/** Whether a name has the form of a pattern, in which `*` stands for any text and `?` for any character. */
export function matchesGlob(name: string, pattern: string): boolean {
  return matches([...pattern], [...name]);
}

/** In time of the one length times the other at most: only the last `*` is ever tried again. */
function matches(pattern: readonly string[], name: readonly string[]): boolean {
  let [at, star, from] = [0, -1, 0];
  for (let i = 0; i < name.length; i++) {
    if (pattern[at] === '*') {
      [star, from] = [at++, i--];
    } else if (pattern[at] === '?' || (at < pattern.length && pattern[at] === name[i])) {
      at++;
    } else if (star >= 0) {
      at = star + 1;
      i = from++;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

/** The names among what an option names, which stand for one collection each. */
export function namesIn(option: string | undefined): readonly string[] {
  return (option ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '' && !/^!|[*?]/.test(name));
}
