import type { FieldRule, Rule } from '../../core/rules/rules.ts';
import { isDocument } from '../../model/document.ts';
import type { Value } from '../../model/document.ts';
import type { Entry } from '../../model/entry.ts';
import { typeOf } from '../../model/key.ts';

/** Which rules have met the field that they are about. */
export class Sightings {
  #open: readonly FieldRule[];
  /** Rules whose collection was read from. Of others nobody knows what they would meet. */
  readonly #met = new Set<FieldRule>();

  constructor(rules: readonly Rule[]) {
    this.#open = rules.filter((rule) => rule.kind !== 'collection');
  }

  see({ key, content }: Entry): void {
    if (this.#open.length === 0 || content?.kind !== 'document') return;
    const collection = typeOf(key);
    let met = false;
    for (const rule of this.#open) {
      if (!rule.collection.matches(collection)) continue;
      this.#met.add(rule);
      if (has(content.document, rule.path)) {
        this.#met.delete(rule);
        met = true;
      }
    }
    if (met) this.#open = this.#open.filter((rule) => !rule.collection.matches(collection) || !has(content.document, rule.path));
  }

  /** The rules whose field was in no record of their collections. */
  unseen(): readonly FieldRule[] {
    return this.#open.filter((rule) => this.#met.has(rule));
  }
}

function has(value: Value, path: readonly string[]): boolean {
  const [name, ...rest] = path;
  if (name === undefined) return true;
  if (Array.isArray(value)) return (value as readonly Value[]).some((item) => has(item, path));
  return isDocument(value) && Object.hasOwn(value, name) && has(value[name] as Value, rest);
}
