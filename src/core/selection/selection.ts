import { createHash } from 'node:crypto';
import type { LinearRegExp } from '../../lib/linear-regexp.ts';
import type { Micros } from '../../model/entry.ts';
import type { Key } from '../../model/key.ts';
import { momentOf } from './age.ts';
import type { Age } from './age.ts';
import type { Glob } from './glob.ts';
import { GlobSet } from './glob-set.ts';
import type { Rule } from './rules.ts';
import type { Candidate } from './scope.ts';

/** Whether an entry takes part, and what decided that, in words. */
export interface Verdict {
  readonly chosen: boolean;
  readonly rule: string;
}

/**
 * Which entries take part in a run.
 *
 * The law is that what is left out is left alone, on both sides: it is neither written nor replaced nor deleted, for
 * being left out is not absence. A key is the same on both sides, so {@link Selection.choosesKey} may hide entries as they
 * are listed, from both sides and from the baseline. Size and age are not: a file may be small here and large there, and
 * hidden on one side only it would look missing. So {@link Selection.chooses} is never asked while a side is listed, but
 * once a whole triple is known: see `isWithin` and `judgedBy` in `scope.ts`.
 */
export interface Selection {
  chooses(entry: Candidate): boolean;
  /** What is said of a key, whatever is known of the entry. */
  choosesKey(key: Key): boolean;
  /** The keys of which there may be more, where they were listed. */
  readonly keys?: ReadonlySet<Key>;
  /** Whether anything but keys matters. */
  readonly looksBeyondKeys: boolean;
  why(entry: Candidate): Verdict;
  /** The same for the same criteria, and fit to keep state under. */
  readonly fingerprint: string;
}

/** A pattern or another criterion, and the words for it. */
export interface Named<T> {
  readonly value: T;
  readonly text: string;
}

/** What a selection is made of. An entry takes part when every one of these lets it. */
export interface Criteria {
  /** Only these keys. */
  readonly keys?: readonly Named<ReadonlySet<Key>>[];
  /** Not what matches one of these. */
  readonly exclude?: readonly Named<Glob>[];
  /** Only what matches one of these. */
  readonly include?: readonly Named<Glob>[];
  /** What the first one that matches says; without one, everything takes part unless all of them include. */
  readonly rules?: readonly Rule[];
  readonly excludeRegExp?: readonly Named<LinearRegExp>[];
  readonly includeRegExp?: readonly Named<LinearRegExp>[];
  /** Bytes. */
  readonly minSize?: Named<number>;
  readonly maxSize?: Named<number>;
  /** Only what was last modified at this age or earlier. */
  readonly minAge?: Named<Age>;
  /** Only what was last modified at this age or later. */
  readonly maxAge?: Named<Age>;
  readonly now: () => Micros;
}

/** A question about an entry. */
interface Test {
  /** All that shapes the answer. */
  readonly fingerprint: string;
  passes(entry: Candidate): boolean;
  /** What lets an entry pass by name, or hides it. */
  rule(entry: Candidate): string | undefined;
}

/** A selection by these criteria; `undefined` where there are none, and everything takes part. */
export function select(criteria: Criteria): Selection | undefined {
  const byKey = [...keyTests(criteria)];
  const byStat = [...statTests(criteria)];
  const tests = [...byKey, ...byStat];
  if (tests.length === 0) return undefined;
  return {
    chooses: (entry) => tests.every((test) => test.passes(entry)),
    choosesKey: (key) => byKey.every((test) => test.passes({ key })),
    ...(criteria.keys && criteria.keys.length > 0 && { keys: new Set(criteria.keys.flatMap(({ value }) => [...value])) }),
    looksBeyondKeys: byStat.length > 0,
    why(entry) {
      const hiding = tests.find((test) => !test.passes(entry));
      if (hiding) return { chosen: false, rule: hiding.rule(entry) ?? 'hidden' };
      const naming = byKey.map((test) => test.rule(entry)).find((rule) => rule !== undefined);
      return { chosen: true, rule: naming ?? 'no rule hides it' };
    },
    fingerprint: createHash('sha256').update(JSON.stringify(tests.map(({ fingerprint }) => fingerprint))).digest('hex'),
  };
}

function* keyTests({ keys = [], exclude = [], include = [], rules = [], excludeRegExp = [], includeRegExp = [] }: Criteria): Generator<Test> {
  if (keys.length > 0) yield listed(keys);
  if (exclude.length > 0) yield globTest(exclude, 'exclude');
  if (include.length > 0) yield globTest(include, 'include');
  if (rules.length > 0) yield ruleTest(rules);
  if (excludeRegExp.length > 0) yield regExpTest(excludeRegExp, 'exclude');
  if (includeRegExp.length > 0) yield regExpTest(includeRegExp, 'include');
}

function listed(lists: readonly Named<ReadonlySet<Key>>[]): Test {
  const names = lists.map(({ text }) => text).join(', ');
  const holding = (key: Key): string | undefined => lists.find(({ value }) => value.has(key))?.text;
  const digest = createHash('sha256');
  for (const { value } of lists) for (const key of value) digest.update(`${key}\n`);
  return { fingerprint: `keys ${digest.digest('hex')}`, passes: ({ key }) => holding(key) !== undefined, rule: ({ key }) => holding(key) ?? `not in ${names}` };
}

function globTest(globs: readonly Named<Glob>[], kind: 'include' | 'exclude'): Test {
  const set = new GlobSet(globs.map(({ value }) => value));
  return namingTest(globs, kind, (key) => set.first(key));
}

function regExpTest(expressions: readonly Named<LinearRegExp>[], kind: 'include' | 'exclude'): Test {
  return namingTest(expressions, kind, (key) => expressions.findIndex(({ value }) => value.test(key)));
}

/** Hides what none of several includes matches, or what one of several excludes does. */
function namingTest(patterns: readonly Named<unknown>[], kind: 'include' | 'exclude', first: (key: Key) => number): Test {
  const text = patterns.map((pattern) => pattern.text).join(', ');
  return {
    fingerprint: text,
    passes: ({ key }) => (first(key) !== -1) === (kind === 'include'),
    rule: ({ key }) => patterns[first(key)]?.text ?? (kind === 'include' ? `not in ${text}` : undefined),
  };
}

function ruleTest(rules: readonly Rule[]): Test {
  const set = new GlobSet(rules.map(({ glob }) => glob));
  const otherwise = rules.some(({ kind }) => kind === 'exclude');
  return {
    fingerprint: JSON.stringify(rules.map(({ kind, pattern }) => [kind, pattern])),
    passes({ key }) {
      const rule = rules[set.first(key)];
      return rule ? rule.kind === 'include' : otherwise;
    },
    rule: ({ key }) => rules[set.first(key)]?.text ?? (otherwise ? undefined : 'no rule includes it'),
  };
}

function* statTests({ minSize, maxSize, minAge, maxAge, now }: Criteria): Generator<Test> {
  if (minSize) yield statTest(minSize, ({ size }) => size === undefined || size >= minSize.value);
  if (maxSize) yield statTest(maxSize, ({ size }) => size === undefined || size <= maxSize.value);
  if (minAge) yield statTest(minAge, ({ modifiedAt }) => modifiedAt === undefined || modifiedAt <= momentOf(minAge.value, now()));
  if (maxAge) yield statTest(maxAge, ({ modifiedAt }) => modifiedAt === undefined || modifiedAt >= momentOf(maxAge.value, now()));
}

function statTest({ text }: Named<unknown>, passes: Test['passes']): Test {
  return { fingerprint: text, passes, rule: () => text };
}
