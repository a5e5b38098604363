import { canonicalJson } from '../lib/canonical-json.ts';
import { isDocument, type Document, type Value } from '../model/document.ts';
import { outlineOf, notesOf, pathTo, type Notes, type Path } from './yaml-notes.ts';
import { writeYaml } from './yaml-write.ts';

/**
 * `document` as {@link writeYaml} writes it, with the comments and empty lines of `text`, an earlier version of it that
 * `read` can read, beside the fields and items that are still there. Without them where they cannot be placed.
 */
export function withNotes(text: string, document: Document, read: (text: string) => Value): string {
  const bare = writeYaml(document);
  if (!/(?:^|\s)#/.test(text)) return bare;
  try {
    const annotated = annotate(bare, notesOf(text), pairPaths(read(text), document));
    // Comments are worth keeping, but never at the price of the data.
    return canonicalJson(read(annotated)) === canonicalJson(document) ? annotated : bare;
  } catch {
    return bare;
  }
}

function annotate(text: string, notes: Notes, earlier: ReadonlyMap<Path, Path>): string {
  const { lines, starts } = outlineOf(text);
  const written: string[] = [...notes.top];
  /** What the line before was part of, with the lines to come after it. */
  const open: { readonly path: Path; readonly after: readonly string[] }[] = [];
  for (const [number, line] of lines.slice(0, -1).entries()) {
    const begins = starts[number];
    const first = begins?.[0];
    const margin = ' '.repeat(line.search(/[^ ]|$/));
    if (first !== undefined) {
      while (open.length > 0 && !first.startsWith((open.at(-1) as { path: Path }).path)) written.push(...(open.pop()?.after ?? []));
      for (const note of notes.before.get(earlier.get(first) ?? '') ?? []) {
        // What stood between two empty lines may be gone.
        if (note !== '' || written.at(-1) !== '') written.push(note === '' ? '' : margin + note);
      }
    }
    let whole = line;
    for (const path of begins ?? []) {
      const before = earlier.get(path) ?? '';
      const beside = notes.beside.get(before);
      if (beside !== undefined) whole += ` ${beside}`;
      open.push({ path, after: (notes.after.get(before) ?? []).map((note) => (note === '' ? '' : margin + note)) });
    }
    written.push(whole);
  }
  while (open.length > 0) written.push(...(open.pop()?.after ?? []));
  return `${[...written, ...notes.bottom].join('\n')}\n`;
}

/** For every field and item of `after`, where it was in `before`, if it was there. */
function pairPaths(before: Value, after: Value): ReadonlyMap<Path, Path> {
  const pairs = new Map<Path, Path>();
  pair(before, after, '', '');
  return pairs;

  function pair(old: Value, now: Value, oldPath: Path, nowPath: Path): void {
    pairs.set(nowPath, oldPath);
    if (Array.isArray(old) && Array.isArray(now)) pairItems(old, now, oldPath, nowPath);
    else if (isDocument(old) && isDocument(now)) {
      for (const name of Object.keys(now)) if (Object.hasOwn(old, name)) pair(old[name] as Value, now[name] as Value, pathTo(oldPath, name), pathTo(nowPath, name));
    }
  }

  /** Equal items belong together wherever they went; of the others, those of one kind at the same place. */
  function pairItems(old: readonly Value[], now: readonly Value[], oldPath: Path, nowPath: Path): void {
    const places = new Map<string, number[]>();
    for (const [i, item] of old.entries()) {
      const text = canonicalJson(item);
      places.set(text, [...(places.get(text) ?? []), i]);
    }
    const origins = now.map((item) => places.get(canonicalJson(item))?.shift());
    const taken = new Set(origins);
    for (const [i, item] of now.entries()) {
      const origin = origins[i] ?? (i < old.length && !taken.has(i) && kindOf(old[i] as Value) === kindOf(item) ? i : undefined);
      if (origin !== undefined) pair(old[origin] as Value, item, pathTo(oldPath, origin), pathTo(nowPath, i));
    }
  }
}

function kindOf(value: Value): 'list' | 'document' | 'scalar' {
  if (Array.isArray(value)) return 'list';
  return isDocument(value) ? 'document' : 'scalar';
}
