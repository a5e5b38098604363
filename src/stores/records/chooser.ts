import { matchesWildcards, wildcardsIn } from '../../lib/wildcards.ts';
import { SyncError } from '../../model/errors.ts';

/** Whether a collection is one of those that an option names: names and globs with `*` and `?`, separated by commas, and not one of those behind a `!`. Without one, all are. */
export function chooser(option: string | undefined): (collection: string) => boolean {
  if (option === undefined) return () => true;
  const patterns = option.split(',').map((pattern) => pattern.trim());
  if (patterns.includes('')) throw new SyncError('invalid', `collections is ${JSON.stringify(option)}, which holds an empty name`, { hint: 'write names and globs with commas between them, as in orders,customer*' });
  const chosen = patterns.filter((pattern) => !pattern.startsWith('!')).map(wildcardsIn);
  const left = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => wildcardsIn(pattern.slice(1)));
  // Most entries are of the collection that the one before was of.
  let last: { readonly collection: string; readonly chosen: boolean } | undefined;
  return (collection) => {
    if (last?.collection === collection) return last.chosen;
    last = { collection, chosen: (chosen.length === 0 || chosen.some((pattern) => matchesWildcards(pattern, collection))) && !left.some((pattern) => matchesWildcards(pattern, collection)) };
    return last.chosen;
  };
}

/** The names among what an option names, which stand for one collection each. */
export function namesIn(option: string | undefined): readonly string[] {
  return (option ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '' && !/^!|[*?]/.test(name));
}
