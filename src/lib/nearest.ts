/** The word that was probably meant: of those that differ by no more than a third of their letters, the nearest. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const [best] = known.map((each) => ({ each, steps: steps(word, each) })).filter(({ each, steps: number }) => number <= Math.max(1, Math.floor(each.length / 3))).sort((a, b) => a.steps - b.steps);
  return best?.each;
}

/** How many letters have to be put in, taken out or replaced. */
function steps(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (let j = 1; j <= to.length; j++) next.push(Math.min((next[j - 1] as number) + 1, (row[j] as number) + 1, (row[j - 1] as number) + (letter === to[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[to.length] as number;
}
