import { matchesWildcards, wildcardsIn } from '../../lib/wildcards.ts';
import { SyncError } from '../../model/errors.ts';

/** How a value is made unreadable. */
export type MaskMethod = 'hash' | 'redact' | 'last4';

/** What the name of a collection must be: itself, or a pattern in which `*` is any text and `?` any character. */
export interface CollectionPattern {
  readonly text: string;
  /** Whether it names just one collection. */
  readonly exact: boolean;
  matches(collection: string): boolean;
}

/** One declared difference between what the left side holds and what the right side sees of it. Every name in it is one of the left side's. */
export type Rule =
  | { readonly kind: 'collection'; readonly from: string; readonly to: string; readonly text: string }
  | FieldRule;

/** A rule about a field, by the names that lead to it. */
export type FieldRule =
  | { readonly kind: 'rename'; readonly collection: CollectionPattern; readonly path: readonly string[]; readonly to: string; readonly text: string }
  | { readonly kind: 'drop'; readonly collection: CollectionPattern; readonly path: readonly string[]; readonly text: string }
  | { readonly kind: 'mask'; readonly collection: CollectionPattern; readonly path: readonly string[]; readonly method: MaskMethod; readonly text: string };

const methods: readonly MaskMethod[] = ['hash', 'redact', 'last4'];

/** Reads what `--rename` says: `orders=purchases` or `orders.state=status`. Throws `invalid` with what it must be. */
export function parseRename(given: string): Rule {
  const text = `rename ${given}`;
  const [names, to] = sides(given, 'must name what there is and what it is to be called, as in orders=purchases or orders.state=status');
  const [name, ...more] = splitAt(to, '.');
  if (name === undefined || name === '' || more.length > 0 || isPattern(name)) throw must('must end in one new name: a field stays where it is, and a dot or star of a name has a backslash before it');
  const plain = plainOf(name);
  const [collection, ...path] = splitAt(names, '.');
  if (path.length > 0) return { kind: 'rename', ...fieldIn(names), to: plain, text };
  if (collection === undefined || collection === '' || isPattern(collection)) throw must('must name a collection, and not a pattern, when a collection is renamed');
  return { kind: 'collection', from: plainOf(collection), to: plain, text };
}

/** Reads what `--drop` says: `orders.notes`. Throws `invalid` with what it must be. */
export function parseDrop(given: string): Rule {
  if (splitAt(given, '=').length > 1) throw must('must be a field, without a value, as in orders.notes');
  return { kind: 'drop', ...fieldIn(given), text: `drop ${given}` };
}

/** Reads what `--mask` says: `customers.email=hash`. Throws `invalid` with what it must be. */
export function parseMask(given: string): Rule {
  const [names, named] = sides(given, 'must name a field and how it is masked, as in customers.email=hash');
  const method = methods.find((each) => each === named);
  if (!method) throw must(`must end in one of ${methods.join(', ')}`);
  return { kind: 'mask', ...fieldIn(names), method, text: `mask ${given}` };
}

/** Why a rule cannot be: its text, what is wrong, and what to do. */
export function invalid(text: string, why: string, hint: string): SyncError {
  return new SyncError('invalid', `${text}: ${why}`, { hint });
}

function must(be: string): SyncError {
  return new SyncError('invalid', be);
}

function sides(given: string, be: string): readonly [names: string, value: string] {
  const [names = '', value = '', ...more] = splitAt(given, '=');
  if (names === '' || value === '' || more.length > 0) throw must(be);
  return [names, value];
}

function fieldIn(names: string): Pick<FieldRule, 'collection' | 'path'> {
  const [collection, ...path] = splitAt(names, '.');
  if (collection === undefined || collection === '' || path.length === 0 || path.includes('')) throw must('must name a collection and a field of it, as in orders.notes, *.password or orders.address.street');
  if (path.some(isPattern)) throw must('must name the field itself: only collections may be patterns, and a star of a name has a backslash before it');
  return { collection: patternOf(collection), path: path.map(plainOf) };
}

/** Splits at a character that no backslash stands before, and leaves the backslashes. */
function splitAt(text: string, separator: string): readonly string[] {
  const parts = [''];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === separator) parts.push('');
    else {
      parts[parts.length - 1] += text[i]!;
      if (text[i] === '\\' && i + 1 < text.length) parts[parts.length - 1] += text[++i]!;
    }
  }
  return parts;
}

function isPattern(part: string): boolean {
  return /[*?]/.test(part.replaceAll(/\\./gs, ''));
}

function plainOf(part: string): string {
  return part.replaceAll(/\\(.)/gs, '$1');
}

function patternOf(part: string): CollectionPattern {
  const plain = plainOf(part);
  if (!isPattern(part)) return { text: plain, exact: true, matches: (collection) => collection === plain };
  const steps = [...part.matchAll(/\\(.)|(.)/gsu)].flatMap(([, escaped, single = '']) => (escaped === undefined ? wildcardsIn(single) : { is: escaped }));
  return { text: part, exact: false, matches: (collection) => matchesWildcards(steps, collection) };
}
