import { SyncError } from '../model/errors.ts';

type Token = { readonly kind: 'literal'; readonly character: string } | { readonly kind: 'one' } | { readonly kind: 'part' } | { readonly kind: 'any' };

/**
 * A test of keys from a glob: `?` is one character and `*` any number of them within a part, `**` any number of
 * anything; everything else is itself. A pattern that matches the first parts of a key matches all below, so
 * `widget` selects `widget/1`. Takes time in the length of the key, whatever the pattern.
 */
export function globTest(pattern: string): (key: string) => boolean {
  if (pattern === '' || pattern.length > 1_000) throw new SyncError('invalid', 'must be a pattern of 1 to 1000 characters');
  const tokens = [...tokenize(pattern.replace(/\/+$/, ''))];
  if (tokens.every(({ kind }) => kind === 'literal')) {
    const literal = pattern.replace(/\/+$/, '');
    return (key) => key === literal || (key.startsWith(literal) && key[literal.length] === '/');
  }
  return (key) => matches(tokens, key);
}

/** Whether a key is selected by any of `include` (all, where there is none) and by none of `exclude`. `undefined`: every key is. */
export function selection(include: readonly string[] = [], exclude: readonly string[] = []): ((key: string) => boolean) | undefined {
  if (include.length === 0 && exclude.length === 0) return undefined;
  const wanted = include.map(globTest);
  const unwanted = exclude.map(globTest);
  return (key) => (wanted.length === 0 || wanted.some((test) => test(key))) && !unwanted.some((test) => test(key));
}

function* tokenize(pattern: string): Generator<Token> {
  for (const [piece] of pattern.matchAll(/\*+|./gsu)) {
    if (piece === '*') yield { kind: 'part' };
    else if (piece.startsWith('*')) yield { kind: 'any' };
    else if (piece === '?') yield { kind: 'one' };
    else yield { kind: 'literal', character: piece };
  }
}

// All positions in the pattern that the key so far can have reached are followed at once, so nothing is ever tried twice.
function matches(tokens: readonly Token[], key: string): boolean {
  let reached = new Set<number>();
  const reach = (set: Set<number>, at: number): void => {
    set.add(at);
    for (let kind = tokens[at]?.kind; kind === 'part' || kind === 'any'; kind = tokens[++at]?.kind) set.add(at + 1);
  };
  reach(reached, 0);
  for (const character of key) {
    if (character === '/' && reached.has(tokens.length)) return true;
    const next = new Set<number>();
    for (const at of reached) {
      const token = tokens[at];
      if (!token) continue;
      if (token.kind === 'any' || (token.kind === 'part' && character !== '/')) reach(next, at);
      else if ((token.kind === 'one' && character !== '/') || (token.kind === 'literal' && token.character === character)) reach(next, at + 1);
    }
    if (next.size === 0) return false;
    reached = next;
  }
  return reached.has(tokens.length);
}
