import type { Collection, Field } from '../../model/collection.ts';
import { SyncError } from '../../model/errors.ts';

/** What a database takes as a table. */
export interface TableLimits {
  /** The most columns. */
  readonly columns: number;
  /** What forbids a name to a table or a column, as in `is longer than 63 bytes`. */
  readonly flawOfName?: (name: string) => string | undefined;
  /** Whether two columns may differ in upper and lower case alone. */
  readonly tellsCase: boolean;
}

/** Why a collection cannot be a table of a place; `undefined` where nothing is against it. */
export function whyNotCreatable({ name, fields, key }: Collection, { columns, flawOfName, tellsCase }: TableLimits, place: string): SyncError | undefined {
  const because = (why: string, hint: string): SyncError => new SyncError('unsupported', `${name} cannot be a table of ${place}, because ${why}`, { store: place, hint });
  const lost = key.find((part) => !fields.some((field) => field.name === part));
  if (lost !== undefined) return because(`${lost}, of its key, is not among its fields`, 'make the table there, with a primary key');
  const odd = fields.find((field) => key.includes(field.name) && !mayBeKey(field));
  if (odd) return because(`${odd.name}, a ${odd.type.kind}, is in its key`, 'choose another key');
  const ownFlaw = flawOfName?.(name);
  if (ownFlaw !== undefined) return because(`its name ${ownFlaw}`, 'give it another name there with --rename');
  for (const field of fields) {
    const flaw = flawOfName?.(field.name);
    if (flaw !== undefined) return because(`the name of its field ${field.name} ${flaw}`, 'give that another name there with --rename');
  }
  const twins = tellsCase ? undefined : [...Map.groupBy(fields, (field) => field.name.toLowerCase()).values()].find(({ length }) => length > 1);
  if (twins) return because(`${twins.map((field) => field.name).join(' and ')} are one column there`, 'give one of them another name there with --rename');
  return fields.length > columns ? because(`it has ${fields.length} fields, and a table there has at most ${columns} columns`, 'leave fields out with --drop') : undefined;
}

function mayBeKey({ type: { kind } }: Field): boolean {
  return kind !== 'float' && kind !== 'json' && kind !== 'list' && kind !== 'set' && kind !== 'map' && kind !== 'record';
}
