import type { MaskMethod, FieldRule, Rule } from './rules.ts';
import { invalid } from './rules.ts';

/** What becomes of one field. */
export interface Fate {
  /** Its name on the right. */
  readonly to: string;
  /** Does not come across, either way. */
  readonly drop?: true;
  /** Comes across unreadable, and not back. */
  readonly mask?: MaskMethod;
  /** What becomes of the fields of the records in it. */
  readonly below?: Shape;
}

/** What becomes of the fields of a record. A field without a fate stays what it is. */
export interface Shape {
  /** By the names of the left side. */
  readonly fields: ReadonlyMap<string, Fate>;
  /** Names of the right side that stand for others of the left. */
  readonly back: ReadonlyMap<string, string>;
  /** Whether the right side cannot tell what some field of the left side holds. */
  readonly lossy: boolean;
}

interface Draft {
  rename?: FieldRule & { kind: 'rename' };
  end?: FieldRule & { kind: 'drop' | 'mask' };
  readonly below: Map<string, Draft>;
}

/** What the rules make of the records of one collection; `undefined` where none of them is about it. Throws `invalid` where they contradict one another. */
export function shapeOf(rules: readonly Rule[], collection: string): Shape | undefined {
  const root = new Map<string, Draft>();
  for (const rule of rules) {
    if (rule.kind === 'collection' || !rule.collection.matches(collection)) continue;
    let level = root;
    let draft: Draft | undefined;
    for (const name of rule.path) {
      if (draft?.end) throw invalid(rule.text, `${draft.end.text} leaves nothing of what it is about`, 'leave out one of them');
      const next: Draft = level.get(name) ?? { below: new Map() };
      level.set(name, next);
      draft = next;
      level = next.below;
    }
    enter(draft!, rule);
  }
  return root.size === 0 ? undefined : finished(root);
}

function enter(draft: Draft, rule: FieldRule): void {
  if (rule.kind === 'rename') {
    if (draft.rename && draft.rename.to !== rule.to) throw invalid(rule.text, `${draft.rename.text} gives the same field another name`, 'leave out one of them');
    if (draft.end?.kind === 'drop') throw invalid(rule.text, `${draft.end.text} leaves nothing to be renamed`, 'leave out one of them');
    draft.rename = rule;
    return;
  }
  if (draft.end && (draft.end.kind !== rule.kind || (draft.end.kind === 'mask' && rule.kind === 'mask' && draft.end.method !== rule.method))) throw invalid(rule.text, `${draft.end.text} says otherwise of the same field`, 'leave out one of them');
  if (draft.below.size > 0) throw invalid(rule.text, 'another rule is about a field within it', 'leave out one of them');
  if (rule.kind === 'drop' && draft.rename) throw invalid(rule.text, `${draft.rename.text} renames what is dropped`, 'leave out one of them');
  draft.end = rule;
}

function finished(drafts: ReadonlyMap<string, Draft>): Shape {
  const fields = new Map<string, Fate>();
  const back = new Map<string, string>();
  let lossy = false;
  for (const [name, { rename, end, below }] of drafts) {
    const to = rename?.to ?? name;
    const inner = below.size > 0 ? finished(below) : undefined;
    fields.set(name, { to, ...(end?.kind === 'drop' && { drop: true as const }), ...(end?.kind === 'mask' && { mask: end.method }), ...(inner && { below: inner }) });
    if (end !== undefined || inner?.lossy) lossy = true;
    if (to !== name) {
      const other = back.get(to);
      if (other !== undefined) throw invalid(rename!.text, `${other} gets the same name`, 'choose another one');
      back.set(to, name);
    }
  }
  for (const [to, from] of back) {
    const there = fields.get(to);
    // What has that name now has to give it up, or two fields would have it.
    if (there && there.to === to && !there.drop) throw invalid(drafts.get(from)!.rename!.text, `the field ${to} keeps that name`, 'choose another one, or rename that field as well');
  }
  return { fields, back, lossy };
}
