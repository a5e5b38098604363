import { EVENT_ID, getScalarValue, parseEvents } from 'js-yaml';
import type { Event } from 'js-yaml';
import { limits } from '../lib/limits.ts';
import { lineFeeds } from './text.ts';

/** A place within a document: the names of fields and the numbers of items that lead to it. */
export type Path = readonly (string | number)[];

interface Frame {
  readonly path: Path;
  readonly isMapping: boolean;
  key: string | undefined;
  items: number;
}

/**
 * Finds the lines of a YAML text of one document that is known to be readable: the line of a field's name, or of an item. Of what
 * stands elsewhere, as behind an alias, the line is that of the nearest place above it.
 */
export function yamlLines(text: string): (path: Path) => number {
  const found = new Map<string, number>([['', 0]]);
  const frames: Frame[] = [];
  for (const event of parseEvents(text, { maxDepth: limits.documentDepth + 2 })) {
    if (event.type === EVENT_ID.DOCUMENT) frames.push({ path: [], isMapping: false, key: undefined, items: 0 });
    else if (event.type === EVENT_ID.POP) frames.pop();
    else take(event, text, frames, found);
  }
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const at = found.get(nameOf(path.slice(0, length)));
      if (at !== undefined) return 1 + lineFeeds(text, at);
    }
    return 1;
  };
}

function take(event: Exclude<Event, { type: typeof EVENT_ID.DOCUMENT | typeof EVENT_ID.POP }>, text: string, frames: Frame[], found: Map<string, number>): void {
  const frame = frames.at(-1);
  if (!frame) return;
  const at = event.type === EVENT_ID.SCALAR ? Math.max(event.valueStart, event.tagStart, 0) : event.type === EVENT_ID.ALIAS ? event.anchorStart : event.start;
  if (frame.isMapping && frame.key === undefined) {
    frame.key = event.type === EVENT_ID.SCALAR ? getScalarValue(text, event) : '';
    found.set(nameOf([...frame.path, frame.key]), at);
    return;
  }
  // The document itself is the only item of its frame, and has no name.
  const path = frame.isMapping ? [...frame.path, frame.key as string] : frames.length === 1 ? [] : [...frame.path, frame.items++];
  if (!frame.isMapping && frames.length > 1) found.set(nameOf(path), at);
  frame.key = undefined;
  if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) frames.push({ path, isMapping: event.type === EVENT_ID.MAPPING, key: undefined, items: 0 });
}

function nameOf(path: Path): string {
  return path.map((part) => `/${part}`).join('');
}
