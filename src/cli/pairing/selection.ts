import { readFile } from 'node:fs/promises';
import type { Criteria, Named, Selection } from '../../core/selection/selection.ts';
import type { Rule } from '../../core/selection/rules.ts';
import { limits } from '../../lib/limits.ts';
import { parseBytes } from '../../lib/quantity.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Values } from '../options.ts';

type Patterns = readonly string[];

/** The selection that was asked for, rule files and lists read; `undefined` where none was, and nothing is loaded then. */
export async function selectionFrom(values: Values, host: Pick<Host, 'now'>): Promise<Selection | undefined> {
  const { include = [], exclude = [], rules = [], filesFrom = [], filterRegexp = [], excludeRegexp = [], minSize, maxSize, minAge, maxAge } = values;
  if ([...include, ...exclude, ...rules, ...filesFrom, ...filterRegexp, ...excludeRegexp].length === 0 && [minSize, maxSize, minAge, maxAge].every((value) => value === undefined)) return undefined;
  const { select } = await import('../../core/selection/selection.ts');
  const { parseAge } = await import('../../core/selection/age.ts');
  const criteria: Criteria = {
    include: await globs(include, '--include'),
    exclude: await globs(exclude, '--exclude'),
    rules: await rulesIn(rules),
    keys: await keysIn(filesFrom),
    includeRegExp: await expressions(filterRegexp, '--filter-regexp'),
    excludeRegExp: await expressions(excludeRegexp, '--exclude-regexp'),
    ...(minSize !== undefined && { minSize: named('--min-size', minSize, parseBytes) }),
    ...(maxSize !== undefined && { maxSize: named('--max-size', maxSize, parseBytes) }),
    ...(minAge !== undefined && { minAge: named('--min-age', minAge, parseAge) }),
    ...(maxAge !== undefined && { maxAge: named('--max-age', maxAge, parseAge) }),
    now: () => host.now() * 1_000,
  };
  return select(criteria);
}

function named<T>(option: string, text: string, parse: (text: string) => T | undefined): Named<T> {
  const value = parse(text);
  if (value === undefined) throw new SyncError('invalid', `${option} ${JSON.stringify(text)} cannot be read`);
  return { value, text: `${option} ${text}` };
}

async function globs(patterns: Patterns, option: string): Promise<NonNullable<Criteria['include']>> {
  if (patterns.length === 0) return [];
  const { parseGlob } = await import('../../core/selection/glob.ts');
  return patterns.map((pattern) => {
    try {
      return { value: parseGlob(pattern, 'option'), text: `${option} ${pattern}` };
    } catch (cause) {
      if (cause instanceof SyncError) throw new SyncError('invalid', `${option} ${JSON.stringify(pattern)} ${cause.message}`, { cause });
      throw cause;
    }
  });
}

async function expressions(sources: Patterns, option: string): Promise<NonNullable<Criteria['includeRegExp']>> {
  if (sources.length === 0) return [];
  const { linearRegExp } = await import('../../lib/linear-regexp.ts');
  return await Promise.all(sources.map(async (source) => {
    try {
      return { value: await linearRegExp(source), text: `${option} ${source}` };
    } catch (cause) {
      if (cause instanceof RangeError) throw new SyncError('invalid', `${option} ${JSON.stringify(source)} ${cause.message}`, { cause });
      throw cause;
    }
  }));
}

/** The rules of several files as one list: what comes first on the command line comes first. */
async function rulesIn(paths: Patterns): Promise<readonly Rule[]> {
  let rules: readonly Rule[] = [];
  if (paths.length === 0) return rules;
  const { parseRules } = await import('../../core/selection/rules.ts');
  for (const path of paths) rules = parseRules(await linesOf(path, '--rules'), path, rules);
  return rules;
}

/** Keys as they are, one on each line. */
async function keysIn(paths: Patterns): Promise<NonNullable<Criteria['keys']>> {
  return await Promise.all(paths.map(async (path) => ({ value: new Set((await linesOf(path, '--files-from')).filter((line) => line !== '')), text: `--files-from ${path}` })));
}

/** The lines of a text file that an option names. */
export async function linesOf(path: string, option: string): Promise<readonly string[]> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new SyncError(cause.code === 'EACCES' ? 'denied' : 'invalid', `${option}: ${path} cannot be read (${cause.code})`, { cause, hint: 'name a file that exists and can be read' });
  });
  if (bytes.length > limits.documentBytes) throw new SyncError('invalid', `${option}: ${path} is larger than ${limits.documentBytes} bytes`, { hint: 'name several smaller files' });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).split(/\r?\n/);
  } catch (cause) {
    throw new SyncError('invalid', `${option}: ${path} is not UTF-8`, { cause, hint: 'save it as UTF-8' });
  }
}
