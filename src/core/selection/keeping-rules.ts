import { SyncError } from '../../model/errors.ts';
import type { Keeping, KeepingRules } from '../../model/keeping.ts';
import { parseGlob } from './glob.ts';
import type { Glob } from './glob.ts';
import { GlobSet } from './glob-set.ts';

/** How the objects are to be kept whose keys match. */
export interface KeepingRule {
  readonly glob: Glob;
  readonly keeping: Keeping;
}

/** One thing that a rule can say of objects. */
interface Property {
  readonly field: keyof Keeping;
  /** What its value may be, and that in words. */
  readonly fits: RegExp;
  readonly words: string;
}

const acls = ['private', 'public-read', 'public-read-write', 'authenticated-read', 'aws-exec-read', 'bucket-owner-read', 'bucket-owner-full-control'];

const properties: { readonly [name: string]: Property } = {
  'content-type': { field: 'contentType', fits: /^[\w.+-]+\/[\w.+-]+(?: *;[\x20-\x7e]*)?$/, words: 'a media type such as text/html; charset=utf-8' },
  'cache-control': { field: 'cacheControl', fits: /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, words: 'directives such as max-age=3600' },
  'storage-class': { field: 'storageClass', fits: /^[\w.-]+$/, words: 'the name of a class such as STANDARD_IA' },
  'sse': { field: 'encryption', fits: /^(?:AES256|aws:kms(?::dsse)?)$/, words: 'AES256, aws:kms or aws:kms:dsse' },
  'sse-key': { field: 'encryptionKey', fits: /^[\x21-\x7e]+$/, words: 'the id of a key' },
  'acl': { field: 'acl', fits: new RegExp(`^(?:${acls.join('|')})$`), words: `one of ${acls.join(', ')}` },
};

/** The most rules at once. */
const mostRules = 10_000;
const longestRule = 4_000;

/**
 * Reads a rule such as `*.html: content-type=text/html, cache-control="public, max-age=60"`. The pattern is held against
 * whole keys, and starts behind any slash unless it begins with one, as in lists of rules. A value with a comma goes into double
 * quotes; an empty one takes back what later rules and the options of the bucket say. Throws `invalid` with `place` and a sentence.
 */
export function parseKeepingRule(text: string, place: string): KeepingRule {
  const wrong = (what: string, hint?: string): SyncError => new SyncError('invalid', `${place}: ${what}`, hint === undefined ? {} : { hint });
  if (text.length > longestRule) throw wrong(`a rule about objects has ${longestRule} characters at most`);
  const [, pattern, list] = /^(.*?):\s+([a-z-]+\s*=.*)$/su.exec(text.trim()) ?? [];
  if (pattern === undefined || list === undefined) throw wrong(`${JSON.stringify(text)} is not a rule about objects`, 'write PATTERN: name=value, name=value');
  return { glob: globOf(pattern, wrong), keeping: keepingOf(list, wrong) };
}

/** Adds the rules in the lines of a file. Empty lines and those that begin with `#` or `;` say nothing. */
export function parseKeepingRules(lines: Iterable<string>, place: string): readonly KeepingRule[] {
  const rules: KeepingRule[] = [];
  let number = 0;
  for (const line of lines) {
    number++;
    if (/^\s*(?:[#;]|$)/.test(line)) continue;
    rules.push(parseKeepingRule(line, `${place}:${number}`));
  }
  return rules;
}

/** Rules as one: of all that match a key, the first that names a property decides it. */
export function keepingRules(rules: readonly KeepingRule[]): KeepingRules {
  if (rules.length > mostRules) throw new SyncError('invalid', `there are more than ${mostRules} rules about objects`, { hint: 'join patterns as in *.{html,css}' });
  const deciding = Object.values(properties).flatMap(({ field }) => {
    const naming = rules.filter(({ keeping }) => keeping[field] !== undefined);
    return naming.length === 0 ? [] : [{ field, globs: new GlobSet(naming.map(({ glob }) => glob)), values: naming.map(({ keeping }) => keeping[field]!) }];
  });
  return {
    all: rules.map(({ keeping }) => keeping),
    keepingOf(key) {
      const keeping: { -readonly [field in keyof Keeping]: Keeping[field] } = {};
      for (const { field, globs, values } of deciding) {
        const value = values[globs.first(key)];
        if (value !== undefined) keeping[field] = value;
      }
      return keeping;
    },
  };
}

type Wrong = (what: string, hint?: string) => SyncError;

function globOf(pattern: string, wrong: Wrong): Glob {
  try {
    return parseGlob(pattern.trim(), 'rule');
  } catch (cause) {
    if (cause instanceof SyncError) throw wrong(`the pattern ${JSON.stringify(pattern)} ${cause.message}`);
    throw cause;
  }
}

function keepingOf(list: string, wrong: Wrong): Keeping {
  const keeping: { -readonly [field in keyof Keeping]: Keeping[field] } = {};
  // Sticky, so that every character belongs to a pair or is refused.
  const pair = /([^=,"]*?)\s*=\s*(?:"([^"]*)"|([^",]*?))\s*(?:,\s*|$)/suy;
  for (let at = 0; at < list.length; at = pair.lastIndex) {
    pair.lastIndex = at;
    const [, name, quoted, plain = ''] = pair.exec(list) ?? [];
    if (name === undefined) throw wrong(`${JSON.stringify(list.slice(at))} is not name=value`, 'put a value that holds a comma into double quotes');
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (!property) throw wrong(`${JSON.stringify(name)} is nothing that can be said of objects`, `use ${Object.keys(properties).join(', ')}; put a value that holds a comma into double quotes`);
    const value = quoted ?? plain;
    if (value !== '' && !property.fits.test(value)) throw wrong(`${name} is ${JSON.stringify(value)}, and not ${property.words}`);
    if (keeping[property.field] !== undefined) throw wrong(`${name} is given twice`);
    keeping[property.field] = value;
  }
  if (keeping.encryptionKey && !keeping.encryption?.startsWith('aws:kms')) throw wrong('sse-key is the key of sse=aws:kms, and of nothing else', 'add sse=aws:kms');
  return keeping;
}
