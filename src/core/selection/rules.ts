import { SyncError } from '../../model/errors.ts';
import { parseGlob } from './glob.ts';
import type { Glob } from './glob.ts';

/** One line of a list of rules. */
export interface Rule {
  readonly kind: 'include' | 'exclude';
  readonly glob: Glob;
  readonly pattern: string;
  /** The line, and where it stands. */
  readonly text: string;
}

/** The most rules of one selection. */
const mostRules = 10_000;

/**
 * Adds the rules in `lines` to those `before`. A line is `+ pattern` or `- pattern`; `!` forgets all rules so far; empty
 * lines and those that begin with `#` or `;` say nothing. Throws `invalid` with the file, `place`, and the line.
 */
export function parseRules(lines: Iterable<string>, place: string, before: readonly Rule[] = []): readonly Rule[] {
  let rules = [...before];
  let number = 0;
  for (const line of lines) {
    number++;
    const text = line.trim();
    if (text === '' || text.startsWith('#') || text.startsWith(';')) continue;
    if (text === '!') {
      rules = [];
      continue;
    }
    const [, sign, pattern] = /^([+-])\s+(.*)$/su.exec(text) ?? [];
    const at = `${place}:${number}`;
    if (sign === undefined || pattern === undefined) throw new SyncError('invalid', `${at}: ${JSON.stringify(text)} is not a rule`, { hint: 'write + pattern, - pattern, ! or # comment' });
    if (rules.length === mostRules) throw new SyncError('invalid', `${at}: there are more than ${mostRules} rules`, { hint: 'name keys one by one with --files-from' });
    rules.push({ kind: sign === '+' ? 'include' : 'exclude', glob: globAt(pattern, at), pattern, text: `${at}: ${text}` });
  }
  return rules;
}

function globAt(pattern: string, at: string): Glob {
  try {
    return parseGlob(pattern, 'rule');
  } catch (cause) {
    if (cause instanceof SyncError) throw new SyncError('invalid', `${at}: the pattern ${JSON.stringify(pattern)} ${cause.message}`, { cause });
    throw cause;
  }
}
