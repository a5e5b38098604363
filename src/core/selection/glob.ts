import { SyncError } from '../../model/errors.ts';

/** What a {@link Glob} is made of. Nothing but `any` ever stands for a slash, unless it is written. */
export type GlobPart =
  | { readonly kind: 'character'; readonly code: number }
  /** One character out of ranges of code points, both ends included, or, `negated`, any other. */
  | { readonly kind: 'set'; readonly ranges: readonly (readonly [from: number, to: number])[]; readonly negated: boolean }
  | { readonly kind: 'one' }
  /** Any number of characters within a part of a key. */
  | { readonly kind: 'part' }
  /** Any number of any characters. */
  | { readonly kind: 'any' }
  | { readonly kind: 'either'; readonly choices: readonly (readonly GlobPart[])[] };

/** A pattern for keys. */
export interface Glob {
  readonly parts: readonly GlobPart[];
  /** Whether it is held against the whole key, or against what stands behind any of its slashes as well. */
  readonly anchored: boolean;
  /** Whether what lies below a matching key matches too: no, as well as that key itself, or instead of it. */
  readonly below: 'none' | 'too' | 'only';
}

const longestPattern = 1_000;
const slash = 0x2f;

/**
 * Reads a pattern. `*` is any number of characters and `?` is one of them, both within a part of a key; `**` is any number
 * of anything; `[a-z]` one character of a set and `[!a-z]` one outside of it; `{a,b}` one of several patterns; `\` makes the
 * next character an ordinary one. A slash at the end stands for all that lies below.
 *
 * In the manner of an `option`, the pattern starts at the beginning of the key, and what lies below a match matches, so
 * that `widget` selects `widget/1`. In the manner of a `rule` it matches whole keys, and starts behind any slash unless
 * it begins with one. Throws `invalid` with what the pattern must be.
 */
export function parseGlob(pattern: string, manner: 'option' | 'rule'): Glob {
  if (pattern === '' || pattern.length > longestPattern) throw invalid(`must be a pattern of 1 to ${longestPattern} characters`);
  if (pattern === '/') return { parts: [{ kind: 'any' }], anchored: true, below: 'none' };
  const rooted = pattern.startsWith('/');
  const directory = /(?<!\\)(?:\\\\)*\/$/.test(pattern);
  const parts = new Reader(pattern.slice(rooted ? 1 : 0, directory ? -1 : undefined)).read();
  return { parts, anchored: rooted || manner === 'option', below: directory ? 'only' : manner === 'option' ? 'too' : 'none' };
}

/** Takes a pattern apart, from left to right. */
class Reader {
  readonly #characters: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    this.#characters = [...pattern];
  }

  read(): readonly GlobPart[] {
    const parts = this.#sequence(false);
    if (this.#at < this.#characters.length) throw invalid('must not have } without {, or escape it as \\}');
    return parts;
  }

  #sequence(within: boolean): readonly GlobPart[] {
    const parts: GlobPart[] = [];
    for (;;) {
      const character = this.#characters[this.#at];
      if (character === undefined || character === '}' || (within && character === ',')) return parts;
      this.#at++;
      parts.push(this.#part(character));
    }
  }

  #part(character: string): GlobPart {
    switch (character) {
      case '?': return { kind: 'one' };
      case '[': return this.#set();
      case '{': return this.#either();
      case '*': {
        const first = this.#at;
        while (this.#characters[this.#at] === '*') this.#at++;
        return { kind: this.#at === first ? 'part' : 'any' };
      }
      case '\\': return { kind: 'character', code: codeOf(this.#next('must have a character behind \\')) };
      default: return { kind: 'character', code: codeOf(character) };
    }
  }

  #either(): GlobPart {
    const choices: (readonly GlobPart[])[] = [];
    if (this.#characters[this.#at] === '{') throw invalid('must not have {{: a regular expression has options of its own');
    for (;;) {
      choices.push(this.#sequence(true));
      if (this.#next('must close { with }, or escape it as \\{') === '}') return { kind: 'either', choices };
    }
  }

  #set(): GlobPart {
    const open = 'must close [ with ], or escape it as \\[';
    const negated = this.#characters[this.#at] === '!' || this.#characters[this.#at] === '^';
    if (negated) this.#at++;
    const ranges: [number, number][] = [];
    for (let character = this.#next(open), first = true; character !== ']' || first; character = this.#next(open), first = false) {
      const from = codeOf(character === '\\' ? this.#next(open) : character);
      let to = from;
      if (this.#characters[this.#at] === '-' && this.#characters[this.#at + 1] !== ']') {
        this.#at++;
        const end = this.#next(open);
        to = codeOf(end === '\\' ? this.#next(open) : end);
      }
      if (to < from) throw invalid('must have the ranges of a set in ascending order, as in [a-z]');
      ranges.push([from, to]);
    }
    return { kind: 'set', ranges, negated };
  }

  #next(otherwise: string): string {
    const character = this.#characters[this.#at++];
    if (character === undefined) throw invalid(otherwise);
    return character;
  }
}

/** Whether a part that is one character is this one. */
export function takes(part: Extract<GlobPart, { readonly kind: 'character' | 'set' | 'one' }>, code: number): boolean {
  switch (part.kind) {
    case 'character': return part.code === code;
    case 'one': return code !== slash;
    case 'set': return code !== slash && part.ranges.some(([from, to]) => from <= code && code <= to) !== part.negated;
    default: return part satisfies never;
  }
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

function invalid(message: string): SyncError {
  return new SyncError('invalid', message);
}
