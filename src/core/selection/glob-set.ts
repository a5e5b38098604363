import { takes } from './glob.ts';
import type { Glob, GlobPart } from './glob.ts';

/** A part that is one character, or a step that takes none. */
type Test = Extract<GlobPart, { readonly kind: 'character' | 'set' | 'one' }> | { readonly kind: 'anything' } | undefined;

/** A place in the patterns. */
interface Node {
  /** What must come for the walk to go on. Absent: it goes on by itself. */
  readonly test: Test;
  readonly next: number[];
  /** The pattern that has matched when a key ends here. */
  readonly matched?: number;
}

/** All places that the beginning of a key can have led to, and where each kind of character leads from there. */
interface State {
  readonly nodes: readonly number[];
  /** The first pattern that has matched when the key ends here, or -1. */
  readonly matched: number;
  readonly next: (State | undefined)[];
}

/** How many numbers the remembered states may hold together. */
const mostHeld = 2_000_000;

const slash: Test = { kind: 'character', code: 0x2f };
const anything: Test = { kind: 'anything' };

/**
 * Patterns that are held against a key all at once: which of them is the first to match? All places that a key can have
 * reached in all patterns are followed at the same time, and what was found out is remembered as long as there is room.
 * So a key takes time in its length times the length of the patterns at most, whatever they are, and mostly in its length.
 */
export class GlobSet {
  readonly #nodes: Node[] = [];
  /** The first code points of ranges that no pattern tells apart. */
  readonly #kinds: readonly number[];
  readonly #ascii = new Uint32Array(128);
  readonly #first: readonly number[];
  #states = new Map<string, State>();
  #held = 0;
  #start: State;
  /** Steps taken so far: one for each character, and for each place in a pattern that was looked at. */
  steps = 0;

  constructor(globs: readonly Glob[]) {
    const anywhere: number[] = [];
    const first: number[] = [];
    globs.forEach((glob, i) => (glob.anchored ? first : anywhere).push(this.#compile(glob, i)));
    if (anywhere.length > 0) {
      const skipping = this.#add({ test: anything, next: [] });
      const behind = this.#add({ test: slash, next: anywhere });
      (this.#nodes[skipping] as Node).next.push(skipping, behind);
      first.push(skipping, behind, ...anywhere);
    }
    this.#kinds = kindsOf(this.#nodes);
    for (let code = 0; code < 128; code++) this.#ascii[code] = this.#kindOf(code);
    this.#first = this.#reached(first);
    this.#start = this.#state(this.#first);
  }

  /** The number of the first pattern that matches, or -1. */
  first(key: string): number {
    this.steps += key.length;
    let state = this.#start;
    for (let at = 0; at < key.length; at++) {
      const unit = key.charCodeAt(at);
      let kind = this.#ascii[unit] as number;
      if (unit > 127) {
        const code = key.codePointAt(at) as number;
        if (code > 0xffff) at++;
        kind = this.#kindOf(code);
      }
      state = state.next[kind] ?? this.#step(state, kind);
      if (state.nodes.length === 0) return -1;
    }
    return state.matched;
  }

  #step(state: State, kind: number): State {
    const code = this.#kinds[kind] as number;
    const reached: number[] = [];
    for (const at of state.nodes) {
      const { test, next } = this.#nodes[at] as Node;
      if (test && (test.kind === 'anything' || takes(test, code))) reached.push(...next);
    }
    this.steps += state.nodes.length;
    return (state.next[kind] = this.#state(this.#reached(reached)));
  }

  /** These places and all that the walk goes on to by itself, in order. */
  #reached(from: readonly number[]): readonly number[] {
    const found = new Set<number>();
    const open = [...from];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      this.steps++;
      if (found.has(at)) continue;
      found.add(at);
      const { test, next } = this.#nodes[at] as Node;
      if (!test) open.push(...next);
    }
    return [...found].filter((at) => (this.#nodes[at] as Node).test !== undefined || (this.#nodes[at] as Node).matched !== undefined).sort((a, b) => a - b);
  }

  #state(nodes: readonly number[]): State {
    const name = nodes.join();
    const known = this.#states.get(name);
    if (known) return known;
    let matched = -1;
    for (const at of nodes) {
      const { matched: glob } = this.#nodes[at] as Node;
      if (glob !== undefined && (matched === -1 || glob < matched)) matched = glob;
    }
    const state: State = { nodes, matched, next: new Array<State | undefined>(this.#kinds.length) };
    const size = 2 * nodes.length + this.#kinds.length;
    if (this.#held + size > mostHeld && this.#states.size > 0) {
      this.#states = new Map();
      this.#held = 0;
      // It leads to all others, and would keep them.
      if (this.#start) this.#start = this.#state(this.#first);
    }
    this.#held += size;
    this.#states.set(name, state);
    return state;
  }

  #kindOf(code: number): number {
    let [low, high] = [0, this.#kinds.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#kinds[middle] as number) <= code) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #compile({ parts, below }: Glob, glob: number): number {
    const end = this.#add({ test: undefined, next: [], matched: glob });
    if (below === 'none') return this.#sequence(parts, end);
    const rest = this.#add({ test: anything, next: [end] });
    (this.#nodes[rest] as Node).next.push(rest);
    const inside = this.#add({ test: slash, next: [end, rest] });
    return this.#sequence(parts, below === 'only' ? inside : this.#add({ test: undefined, next: [end, inside] }));
  }

  #sequence(parts: readonly GlobPart[], then: number): number {
    let next = then;
    for (const part of parts.toReversed()) next = this.#part(part, next);
    return next;
  }

  #part(part: GlobPart, then: number): number {
    switch (part.kind) {
      case 'either': return this.#add({ test: undefined, next: part.choices.map((choice) => this.#sequence(choice, then)) });
      case 'part':
      case 'any': {
        const loop = this.#add({ test: part.kind === 'any' ? anything : { kind: 'one' }, next: [] });
        const start = this.#add({ test: undefined, next: [loop, then] });
        (this.#nodes[loop] as Node).next.push(start);
        return start;
      }
      default: return this.#add({ test: part, next: [then] });
    }
  }

  #add(node: Node): number {
    return this.#nodes.push(node) - 1;
  }
}

/** Where the ranges of code points begin that are the same to every test. */
function kindsOf(nodes: readonly Node[]): readonly number[] {
  const starts = new Set([0, 0x2f, 0x30]);
  for (const { test } of nodes) {
    if (test?.kind === 'character') starts.add(test.code).add(test.code + 1);
    else if (test?.kind === 'set') for (const [from, to] of test.ranges) starts.add(from).add(to + 1);
  }
  return [...starts].sort((a, b) => a - b);
}
