/** Lines kept around each change. */
const context = 3;
/** The most edits looked for; two texts further apart are shown as one replaced by the other. */
const mostEdits = 1_000;

type Edit = readonly [sign: ' ' | '+' | '-', line: string];

/** The shortest way from one text to another as a unified diff without file names; no lines where they are equal. */
export function unifiedDiff(before: readonly string[], after: readonly string[]): readonly string[] {
  const edits = editsBetween(before, after);
  const hunks: string[] = [];
  let oldLine = 1;
  let newLine = 1;
  for (let at = 0; at < edits.length;) {
    const first = edits.findIndex(([sign], i) => i >= at && sign !== ' ');
    if (first < 0) break;
    const start = Math.max(at, first - context);
    for (; at < start; at++) {
      oldLine++;
      newLine++;
    }
    let end = first;
    for (let quiet = 0, i = first; i < edits.length && quiet <= context * 2; i++) {
      quiet = edits[i]?.[0] === ' ' ? quiet + 1 : 0;
      if (quiet === 0) end = i;
    }
    const hunk = edits.slice(start, Math.min(edits.length, end + 1 + context));
    const olds = hunk.filter(([sign]) => sign !== '+').length;
    const news = hunk.filter(([sign]) => sign !== '-').length;
    hunks.push(`@@ -${range(oldLine, olds)} +${range(newLine, news)} @@`, ...hunk.map(([sign, line]) => sign + line));
    oldLine += olds;
    newLine += news;
    at = start + hunk.length;
  }
  return hunks;
}

function range(start: number, lines: number): string {
  return lines === 1 ? String(start) : `${lines === 0 ? start - 1 : start},${lines}`;
}

function editsBetween(before: readonly string[], after: readonly string[]): readonly Edit[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const same = (line: string): Edit => [' ', line];
  return [
    ...before.slice(0, head).map(same),
    ...shortest(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ];
}

/** Myers, "An O(ND) difference algorithm", 1986: the furthest each diagonal gets with ever more edits, then the way back. */
function shortest(a: readonly string[], b: readonly string[]): readonly Edit[] {
  const replaced = (): readonly Edit[] => [...a.map((line): Edit => ['-', line]), ...b.map((line): Edit => ['+', line])];
  if (a.length === 0 || b.length === 0) return replaced();
  const trace: Map<number, number>[] = [];
  const furthest = new Map([[1, 0]]);
  for (let d = 0; d <= Math.min(mostEdits, a.length + b.length); d++) {
    trace.push(new Map(furthest));
    for (let k = -d; k <= d; k += 2) {
      let x = goesDown(furthest, k, d) ? furthest.get(k + 1) ?? 0 : (furthest.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      furthest.set(k, x);
      if (x >= a.length && x - k >= b.length) return wayBack(a, b, trace, d);
    }
  }
  return replaced();
}

function goesDown(furthest: ReadonlyMap<number, number>, k: number, d: number): boolean {
  return k === -d || (k !== d && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1));
}

function wayBack(a: readonly string[], b: readonly string[], trace: readonly ReadonlyMap<number, number>[], edits: number): readonly Edit[] {
  const back: Edit[] = [];
  let x = a.length;
  let y = b.length;
  for (let d = edits; d > 0; d--) {
    const furthest = trace[d] ?? new Map<number, number>();
    const k = x - y;
    const from = goesDown(furthest, k, d) ? k + 1 : k - 1;
    const fromX = furthest.get(from) ?? 0;
    const fromY = fromX - from;
    for (; x > fromX && y > fromY; y--) back.push([' ', a[--x] ?? '']);
    if (from === k + 1) back.push(['+', b[--y] ?? '']);
    else back.push(['-', a[--x] ?? '']);
  }
  while (x > 0) back.push([' ', a[--x] ?? '']);
  return back.reverse();
}
