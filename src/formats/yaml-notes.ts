import { EVENT_ID, getScalarValue, parseEvents } from 'js-yaml';
import { limits } from '../lib/limits.ts';

/** Says where in a document a field or an item is: the names and positions that lead to it. */
export type Path = string;

/** The path of a field, or of an item by its position, of what is at `parent`. */
export function pathTo(parent: Path, step: string | number): Path {
  return typeof step === 'number' ? `${parent}#${step}/` : `${parent}.${step.replaceAll('~', '~0').replaceAll('/', '~1')}/`;
}

/** The fields and items that begin on each line of a YAML text of one document. */
export interface Outline {
  readonly lines: readonly string[];
  /** By line: what begins there, from the outermost to the innermost; `undefined` where nothing does. */
  readonly starts: readonly (readonly Path[] | undefined)[];
  /** Where scalars begin and end, in order; comments are outside of these. */
  readonly scalars: readonly (readonly [start: number, end: number])[];
}

/** What people wrote beside the data. */
export interface Notes {
  /** Lines above everything, set off by an empty one. */
  readonly top: readonly string[];
  readonly bottom: readonly string[];
  /** Lines above a field or item. */
  readonly before: ReadonlyMap<Path, readonly string[]>;
  /** The comment at the end of its line. */
  readonly beside: ReadonlyMap<Path, string>;
  /** Lines below it and all it holds. */
  readonly after: ReadonlyMap<Path, readonly string[]>;
}

/** The outline of `text`, which must be YAML. */
export function outlineOf(text: string): Outline {
  const lines = text.split('\n');
  const starts: Path[][] = [];
  const scalars: [number, number][] = [];
  const frames: { readonly path: Path; readonly list: boolean; items: number; name: Path | undefined }[] = [];
  let line = 0;
  let lineEnd = lines[0]?.length ?? 0;
  for (const event of parseEvents(text, { maxDepth: limits.documentDepth + 2 })) {
    if (event.type === EVENT_ID.DOCUMENT) continue;
    if (event.type === EVENT_ID.POP) {
      frames.pop();
      continue;
    }
    const at = event.type === EVENT_ID.SCALAR ? event.valueStart : event.type === EVENT_ID.ALIAS ? event.anchorStart : event.start;
    while (at > lineEnd) lineEnd += 1 + (lines[++line]?.length ?? 0);
    if (event.type === EVENT_ID.SCALAR && at >= 0) scalars.push([at, event.valueEnd]);
    const frame = frames.at(-1);
    let path: Path = '';
    if (frame?.list === true) (starts[line] ??= []).push((path = pathTo(frame.path, frame.items++)));
    else if (frame !== undefined && frame.name === undefined) {
      frame.name = pathTo(frame.path, event.type === EVENT_ID.SCALAR ? getScalarValue(text, event) : '');
      (starts[line] ??= []).push(frame.name);
      continue;
    } else if (frame?.name !== undefined) {
      path = frame.name;
      frame.name = undefined;
    }
    if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) frames.push({ path, list: event.type === EVENT_ID.SEQUENCE, items: 0, name: undefined });
  }
  return { lines, starts, scalars };
}

/** The comments and empty lines of `text`, which must be YAML, by what they are about. */
export function notesOf(text: string): Notes {
  const { lines, starts, scalars } = outlineOf(text);
  const before = new Map<Path, readonly string[]>();
  const beside = new Map<Path, string>();
  const after = new Map<Path, string[]>();
  let top: readonly string[] = [];
  let waiting: string[] = [];
  /** The fields and items that the line before was part of, with how far each is indented. */
  const open: { readonly path: Path; readonly indent: number }[] = [];
  let offset = 0;
  let scalar = 0;
  for (const [number, line] of lines.entries()) {
    const begins = starts[number];
    const indent = line.search(/[^ ]|$/);
    const comment = commentIn(line, offset);
    const inScalar = insideScalar(offset + indent);
    offset += line.length + 1;
    const isNote = begins === undefined && !inScalar && (comment === indent || line.trim() === '');
    if (isNote) {
      const note = line.trim();
      const owner = note === '' ? undefined : open.findLast((each) => each.indent <= indent);
      const next = nextIndent(number);
      if (owner !== undefined && indent > next) after.set(owner.path, [...(after.get(owner.path) ?? []), ...waiting.splice(0), note]);
      else waiting.push(note);
      continue;
    }
    if (begins?.[0] !== undefined) {
      if (open.length === 0) {
        const gap = waiting.lastIndexOf('') + 1;
        top = waiting.slice(0, gap);
        waiting = waiting.slice(gap);
      }
      if (waiting.length > 0) before.set(begins[0], waiting.splice(0));
      while ((open.at(-1)?.indent ?? -1) >= indent) open.pop();
      open.push({ path: begins[0], indent });
    }
    if (comment < 0) continue;
    const about = begins?.at(-1) ?? open.at(-1)?.path;
    const note = line.slice(comment).trim();
    if (about === undefined) waiting.push(note);
    else beside.set(about, beside.has(about) ? `${beside.get(about)} ${note}` : note);
  }
  while (waiting.at(-1) === '') waiting.pop();
  return { top, bottom: waiting, before, beside, after };

  function nextIndent(from: number): number {
    for (let i = from + 1; i < lines.length; i++) if (starts[i] !== undefined) return (lines[i] as string).search(/[^ ]|$/);
    return 0;
  }

  function insideScalar(at: number): boolean {
    while (scalar < scalars.length && (scalars[scalar]?.[1] ?? 0) <= at) scalar++;
    return (scalars[scalar]?.[0] ?? Number.POSITIVE_INFINITY) < at;
  }

  /** Where the comment of a line begins; -1 if it has none. */
  function commentIn(line: string, start: number): number {
    let from = scalar;
    for (let at = line.indexOf('#'); at >= 0; at = line.indexOf('#', at + 1)) {
      if (at > 0 && !/\s/.test(line[at - 1] as string)) continue;
      while (from < scalars.length && (scalars[from]?.[1] ?? 0) <= start + at) from++;
      if ((scalars[from]?.[0] ?? Number.POSITIVE_INFINITY) > start + at) return at;
    }
    return -1;
  }
}
