import { NoCounterpart, outward } from '../../core/rules/mapping.ts';
import type { Maskers } from '../../core/rules/mapping.ts';
import type { Shape } from '../../core/rules/shape.ts';
import type { Document } from '../../model/document.ts';
import type { Digest, Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { typeOf } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import type { Naming } from './naming.ts';

/** What the parts of a place under rules share. */
export interface Ruling {
  readonly naming: Naming;
  readonly maskers: Maskers;
  /** The printable name of the place. */
  readonly place: string;
  digestOf(document: Document): Digest;
}

/** An entry of a place as the other side sees it. Throws `invalid` where it has no counterpart there. */
export function entryOutward(entry: Entry, { naming, place: name, ...ruling }: Ruling): Entry {
  const key = naming.outward(entry.key);
  if (key === undefined) throw refused(name, entry.key, 'is in a collection whose name another one is to be given', 'rename that collection as well');
  const shape = naming.shapeOf(typeOf(entry.key));
  const { dependsOn, place = entry.key } = entry;
  const named: Entry = key === entry.key ? entry : { ...entry, key, place, ...(dependsOn && { dependsOn: dependsOn.map((address) => naming.outward(address) ?? address) }) };
  return shape ? mapped(named, shape, { naming, place: name, ...ruling }) : named;
}

function mapped({ size: _, digest: __, ...entry }: Entry, shape: Shape, { place, maskers, digestOf }: Ruling): Entry {
  if (entry.content?.kind !== 'document') return entry;
  try {
    const document = outward(entry.content.document, shape, maskers);
    return { ...entry, digest: digestOf(document), content: { kind: 'document', document } };
  } catch (cause) {
    throw asRefusal(cause, place, entry.key, entry.place);
  }
}

/** Why an entry cannot be shown, or written, under the rules. */
export function asRefusal(cause: unknown, place: string, key: Key, where: string = key): unknown {
  return cause instanceof NoCounterpart ? refused(place, key, `holds ${cause.message}`, 'change the record, or the rules', where) : cause;
}

function refused(place: string, key: Key, why: string, hint: string, where: string = key): SyncError {
  return new SyncError('invalid', `${place}: ${where} ${why}`, { store: place, key, hint });
}
