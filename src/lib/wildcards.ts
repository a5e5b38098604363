/** One step of a pattern: any text, any one character, or just this one. */
export type Wildcard = 'any' | 'one' | { readonly is: string };

/** The steps of a pattern in which `*` stands for any text and `?` for any character. */
export function wildcardsIn(pattern: string): readonly Wildcard[] {
  return [...pattern].map((character) => (character === '*' ? 'any' : character === '?' ? 'one' : { is: character }));
}

/** Whether a name has the form of a pattern. In time of the one length times the other at most: only the last `any` is ever tried again. */
export function matchesWildcards(pattern: readonly Wildcard[], name: string): boolean {
  const characters = [...name];
  let [at, star, from] = [0, -1, 0];
  for (let i = 0; i < characters.length; i++) {
    const step = pattern[at];
    if (step === 'any') {
      [star, from] = [at++, i--];
    } else if (step === 'one' || (step !== undefined && step.is === characters[i])) at++;
    else if (star >= 0) {
      at = star + 1;
      i = from++;
    } else return false;
  }
  while (pattern[at] === 'any') at++;
  return at === pattern.length;
}
