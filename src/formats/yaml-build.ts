import { EVENT_ID, getScalarValue, SCALAR_STYLE, type Event, type ScalarEvent } from 'js-yaml';
import { limits } from '../lib/limits.ts';
import { isDocument, type Document, type Value } from '../model/document.ts';
import { tooDeepText } from './text.ts';
import { core, resolvePlain, resolveTagged } from './yaml-resolve.ts';

/** What is wrong with a document that is YAML but no value, and where in the text. */
export class YamlFault extends Error {
  readonly at: number;
  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/** A document of a YAML text. */
export interface Built {
  readonly value: Value;
  /** Where its content begins in the text; -1 if it has none. */
  readonly at: number;
}

/** The most characters that a document may gain when its aliases are replaced by what they stand for. */
const longestExpansion = 16 * 1024 * 1024;

/** The values that `events` of `source` describe. Throws a {@link YamlFault} where there is no value. */
export function buildValues(source: string, events: readonly Event[]): readonly Built[] {
  return new Builder(source).build(events);
}

interface Anchor {
  readonly value: Value;
  readonly size: number;
  readonly height: number;
}

interface Frame {
  readonly container: Value[] | { [field: string]: Value };
  readonly anchor: string;
  /** Size of the document when this began. */
  readonly sizeBefore: number;
  /** Levels below this one, aliases included. */
  height: number;
  key: string | undefined;
  keyIsMerge: boolean;
  merged: Document[] | undefined;
}

class Builder {
  readonly #source: string;
  readonly #found: Built[] = [];
  #frames: Frame[] = [];
  #anchors = new Map<string, Anchor | undefined>();
  #handles = new Map<string, string>();
  #aliases = 0;
  /** Characters of the document so far, aliases replaced. */
  #size = 0;
  #expansion = 0;
  #begins = -1;
  #root: Value = null;

  constructor(source: string) {
    this.#source = source;
  }

  build(events: readonly Event[]): readonly Built[] {
    for (const event of events) {
      switch (event.type) {
        case EVENT_ID.SCALAR:
          this.#scalar(event);
          break;
        case EVENT_ID.MAPPING:
        case EVENT_ID.SEQUENCE:
          this.#open(event, event.type === EVENT_ID.MAPPING);
          break;
        case EVENT_ID.POP:
          this.#close();
          break;
        case EVENT_ID.ALIAS:
          this.#alias(event.anchorStart, event.anchorEnd);
          break;
        case EVENT_ID.DOCUMENT:
          this.#begin(event.directives);
          break;
        default:
          event satisfies never;
      }
    }
    return this.#found;
  }

  #begin(directives: readonly { readonly kind: string; readonly handle?: string; readonly prefix?: string }[]): void {
    this.#anchors = new Map();
    this.#handles = new Map();
    for (const { kind, handle, prefix } of directives) if (kind === 'tag' && handle !== undefined) this.#handles.set(handle, prefix ?? '');
    this.#aliases = 0;
    this.#size = 0;
    this.#expansion = 0;
    this.#begins = -1;
    this.#root = null;
  }

  #scalar(event: ScalarEvent): void {
    const text = event.fast ? this.#source.slice(event.valueStart, event.valueEnd) : getScalarValue(this.#source, event);
    const at = event.valueStart < 0 ? event.tagStart : event.valueStart;
    if (this.#begins < 0) this.#begins = at;
    const plain = event.style === SCALAR_STYLE.PLAIN;
    const tag = event.tagStart < 0 ? '' : this.#tagName(event);
    const frame = this.#frames.at(-1);
    if (frame !== undefined && frame.key === undefined && !Array.isArray(frame.container)) {
      if (text === '' && plain && tag === '') throw new YamlFault(Math.max(at, 0), 'a field has no name');
      frame.keyIsMerge = text === '<<' && ((plain && tag === '') || tag === `${core}merge`);
      if (!frame.keyIsMerge && Object.hasOwn(frame.container, text)) throw new YamlFault(at, `the field ${shown(text)} is there twice`);
      frame.key = text;
      this.#size += text.length + 1;
      if (event.anchorStart >= 0) this.#anchors.set(this.#source.slice(event.anchorStart, event.anchorEnd), { value: text, size: text.length + 1, height: 0 });
      return;
    }
    const value = tag === '' ? (plain ? resolvePlain(text) : text) : resolveTagged(tag, text);
    if (value === undefined) throw new YamlFault(event.tagStart, this.#badTag(tag));
    this.#size += text.length + 1;
    if (event.anchorStart >= 0) this.#anchors.set(this.#source.slice(event.anchorStart, event.anchorEnd), { value, size: text.length + 1, height: 0 });
    this.#add(value, 0, at);
  }

  #open(event: { readonly start: number; readonly anchorStart: number; readonly anchorEnd: number; readonly tagStart: number; readonly tagEnd: number }, isMapping: boolean): void {
    if (this.#begins < 0) this.#begins = event.start;
    const above = this.#frames.at(-1);
    if (above !== undefined && above.key === undefined && !Array.isArray(above.container)) throw new YamlFault(event.start, 'the name of a field is not a scalar');
    if (this.#frames.length >= limits.documentDepth) throw new YamlFault(event.start, tooDeepText());
    const tag = event.tagStart < 0 ? '!' : this.#tagName(event);
    if (tag !== '!' && tag !== `${core}${isMapping ? 'map' : 'seq'}`) throw new YamlFault(event.tagStart, this.#badTag(tag));
    const anchor = event.anchorStart < 0 ? '' : this.#source.slice(event.anchorStart, event.anchorEnd);
    if (anchor !== '') this.#anchors.set(anchor, undefined);
    this.#frames.push({ container: isMapping ? {} : [], anchor, sizeBefore: this.#size++, height: 1, key: undefined, keyIsMerge: false, merged: undefined });
  }

  #close(): void {
    const frame = this.#frames.pop();
    if (frame === undefined) {
      this.#found.push({ value: this.#root, at: this.#begins });
      return;
    }
    const value = frame.merged === undefined ? frame.container : withMerged(frame.container as Document, frame.merged);
    if (frame.anchor !== '') this.#anchors.set(frame.anchor, { value, size: this.#size - frame.sizeBefore, height: frame.height });
    this.#add(value, frame.height, 0);
  }

  #alias(start: number, end: number): void {
    const name = this.#source.slice(start, end);
    const label = name.slice(0, 100);
    const anchor = this.#anchors.get(name);
    if (anchor === undefined) throw new YamlFault(start, this.#anchors.has(name) ? `the alias *${label} stands inside what it refers to` : `there is no anchor for the alias *${label}`);
    if (++this.#aliases > limits.yamlAliases) throw new YamlFault(start, `more than ${limits.yamlAliases} aliases`);
    this.#expansion += anchor.size;
    if (this.#expansion > longestExpansion) throw new YamlFault(start, `aliases that expand to more than ${longestExpansion} characters`);
    if (this.#frames.length + anchor.height > limits.documentDepth) throw new YamlFault(start, tooDeepText());
    this.#size += anchor.size;
    const frame = this.#frames.at(-1);
    if (frame !== undefined && frame.key === undefined && !Array.isArray(frame.container)) {
      if (typeof anchor.value !== 'string') throw new YamlFault(start, 'the name of a field is not a text');
      if (Object.hasOwn(frame.container, anchor.value)) throw new YamlFault(start, `the field ${shown(anchor.value)} is there twice`);
      frame.key = anchor.value;
      frame.keyIsMerge = false;
    } else this.#add(anchor.value, anchor.height, start);
  }

  #add(value: Value, height: number, at: number): void {
    const frame = this.#frames.at(-1);
    if (frame === undefined) {
      this.#root = value;
      return;
    }
    if (height >= frame.height) frame.height = height + 1;
    const { container, key } = frame;
    if (Array.isArray(container)) container.push(value);
    else if (key !== undefined) {
      frame.key = undefined;
      if (frame.keyIsMerge) merge(frame, value, at);
      else if (key === '__proto__') Object.defineProperty(container, key, { value, enumerable: true, configurable: true, writable: true });
      else container[key] = value;
    }
  }

  #tagName(event: { readonly tagStart: number; readonly tagEnd: number }): string {
    const raw = this.#source.slice(event.tagStart, event.tagEnd);
    if (raw === '!') return raw;
    if (raw.startsWith('!<')) return raw.slice(2, -1);
    const handle = raw.slice(0, raw.indexOf('!', 1) + 1) || '!';
    return (this.#handles.get(handle) ?? (handle === '!!' ? core : handle)) + raw.slice(handle.length);
  }

  #badTag(tag: string): string {
    const short = tag.startsWith(core) ? `!!${tag.slice(core.length)}` : tag;
    return knownTags.has(tag) ? `a value that does not fit its tag ${short}` : `the tag ${short.slice(0, 100)} is not supported`;
  }
}

const knownTags: ReadonlySet<string> = new Set(['null', 'bool', 'int', 'float', 'binary', 'str', 'map', 'seq'].map((name) => core + name));

function shown(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}

/** Of a list, the earlier document wins, and so it is applied later. */
function merge(frame: Frame, value: Value, at: number): void {
  const sources = Array.isArray(value) ? (value as readonly Value[]).toReversed() : [value];
  for (const source of sources) {
    if (!isDocument(source)) throw new YamlFault(at, 'what is merged by << is not a mapping');
    (frame.merged ??= []).push(source);
  }
}

function withMerged(own: Document, merged: readonly Document[]): Document {
  return Object.fromEntries([...merged, own].flatMap((document) => Object.entries(document)));
}
