import type { Rule } from '../../core/rules/rules.ts';
import { shapeOf } from '../../core/rules/shape.ts';
import type { Fate, Shape } from '../../core/rules/shape.ts';
import { joinKey, typeOf } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';

/** Of so many collections it is remembered what the rules make of them. */
const most = 10_000;

/** What rules make of the names and fields of a place. */
export interface Naming {
  /** Whose fields are looked out for. */
  readonly rules: readonly Rule[];
  /** Whether keys that are in order stay so. */
  readonly keepOrder: boolean;
  /** How many bytes longer, at most, a key is in the place than outside. */
  readonly addBytes: number;
  /** Whether some rule is about a field. */
  readonly touchFields: boolean;
  /** What the rules make of the records of a collection of the place; `undefined` where none is about its fields. */
  shapeOf(collection: string): Shape | undefined;
  /** The name of a collection outside; `undefined` where another one has it there. */
  collectionOutward(name: string): string | undefined;
  /** The name of a collection in the place; `undefined` where there is none for it. */
  collectionInward(name: string): string | undefined;
  /** A key as it is outside; `undefined` where it has no name of its own there. */
  outward(key: Key): Key | undefined;
  /** A key as it is in the place; `undefined` where there is none for it. */
  inward(key: Key): Key | undefined;
}

/** What rules make of the left side, whose names they are in. */
export class RuledNames implements Naming {
  readonly rules: readonly Rule[];
  readonly keepOrder: boolean;
  readonly addBytes: number;
  readonly touchFields: boolean;
  readonly #outward = new Map<string, string>();
  readonly #inward = new Map<string, string>();
  readonly #shapes = new Map<string, Shape | undefined>();

  constructor(rules: readonly Rule[]) {
    this.rules = rules;
    for (const rule of rules) {
      if (rule.kind !== 'collection') continue;
      this.#outward.set(rule.from, rule.to);
      this.#inward.set(rule.to, rule.from);
    }
    this.keepOrder = this.#outward.size === 0;
    this.addBytes = Math.max(0, ...[...this.#outward].map(([from, to]) => bytesOf(from) - bytesOf(to)));
    this.touchFields = rules.some(({ kind }) => kind !== 'collection');
  }

  shapeOf(collection: string): Shape | undefined {
    if (!this.touchFields) return undefined;
    const known = this.#shapes.get(collection);
    if (known || this.#shapes.has(collection)) return known;
    const shape = shapeOf(this.rules, collection);
    if (this.#shapes.size >= most) this.#shapes.clear();
    this.#shapes.set(collection, shape);
    return shape;
  }

  collectionOutward(name: string): string | undefined {
    return this.#outward.get(name) ?? (this.#inward.has(name) ? undefined : name);
  }

  collectionInward(name: string): string | undefined {
    return this.#inward.get(name) ?? (this.#outward.has(name) ? undefined : name);
  }

  outward(key: Key): Key | undefined {
    return this.keepOrder ? key : replaced(key, (name) => this.collectionOutward(name));
  }

  inward(key: Key): Key | undefined {
    return this.keepOrder ? key : replaced(key, (name) => this.collectionInward(name));
  }
}

/**
 * What rules make of the right side of a merge: what does not come across is nobody's business there either, so that each side keeps
 * its own. It has the names already that the left side's are changed to.
 */
export function dropsOf(left: Naming): Naming | undefined {
  const drops = left.rules.filter((rule) => rule.kind === 'drop');
  if (drops.length === 0) return undefined;
  return {
    rules: [], keepOrder: true, addBytes: 0, touchFields: true,
    shapeOf: (collection) => {
      const inner = left.collectionInward(collection);
      const shape = inner === undefined ? undefined : left.shapeOf(inner);
      return shape && onlyDrops(shape);
    },
    collectionOutward: (name) => name,
    collectionInward: (name) => name,
    outward: (key) => key,
    inward: (key) => key,
  };
}

/** The drops of a shape, under the names of the right side; `undefined` where there are none. */
function onlyDrops({ fields, back }: Shape): Shape | undefined {
  const dropped = new Map<string, Fate>();
  for (const [name, { to, drop, below }] of fields) {
    if (drop && !back.has(name)) dropped.set(name, { to: name, drop });
    const inner = below && onlyDrops(below);
    if (inner) dropped.set(to, { to, below: inner });
  }
  return dropped.size === 0 ? undefined : { fields: dropped, back: new Map(), lossy: true };
}

/** The key with another collection. One of a single part may be the collection itself, as hints and scopes are. */
function replaced(key: Key, rename: (collection: string) => string | undefined): Key | undefined {
  if (key === '') return key;
  const slash = key.indexOf('/');
  const collection = typeOf(slash < 0 ? `${key}/` : key);
  const to = rename(collection);
  if (to === undefined || to === collection) return to === undefined ? undefined : key;
  return slash < 0 ? joinKey([to]) : joinKey([to]) + key.slice(slash);
}

function bytesOf(name: string): number {
  return Buffer.byteLength(joinKey([name]));
}
