import type { KeepingRules } from '../../model/keeping.ts';
import type { Values } from '../options.ts';
import { linesOf } from './selection.ts';

/** How objects are to be kept, by the rules that were given, files read; `undefined` where none were, and nothing is loaded then. */
export async function objectRulesFrom({ objectRule = [], objectRules = [] }: Values): Promise<KeepingRules | undefined> {
  if (objectRule.length === 0 && objectRules.length === 0) return undefined;
  const { keepingRules, parseKeepingRule, parseKeepingRules } = await import('../../core/selection/keeping-rules.ts');
  const rules = objectRule.map((text) => parseKeepingRule(text, '--object-rule'));
  for (const path of objectRules) rules.push(...parseKeepingRules(await linesOf(path, '--object-rules'), path));
  return keepingRules(rules);
}
