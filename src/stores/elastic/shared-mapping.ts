import { canonicalJson } from '../../lib/canonical-json.ts';
import type { Collection } from '../../model/collection.ts';
import { isDocument } from '../../model/document.ts';
import type { Document, Value } from '../../model/document.ts';
import { SyncError } from '../../model/errors.ts';
import { isDescribed, loose, mappingOf } from './mapping.ts';
import { preparedIn } from './shared-index.ts';
import { takesAnyTime } from './time-field.ts';
import type { TimeField } from './time-field.ts';

/**
 * What has to be added to the mapping of an index so that it can hold more collections, told apart by a field. Throws `unsupported` where one of
 * them has that field itself, or one of another type than the index has under the same name: of two types only one can be there.
 */
export function mappingFor(collections: readonly Collection[], { field, mapping, time }: { readonly field: string; /** Absent: there is no index yet. */ readonly mapping: Document | undefined; readonly time?: TimeField | undefined }): Document {
  const there = propertiesIn(mapping ?? {});
  const added: [string, Value][] = Object.hasOwn(there, field) ? [] : [[field, { type: 'keyword' }]];
  const all = new Map<string, Value>(Object.entries(there));
  const described: [string, Document][] = Object.entries(mapping ? preparedIn(mapping) : {});
  for (const collection of collections) {
    const { name, fields, key } = collection;
    if (fields.some((each) => each.name === field)) throw new SyncError('unsupported', `${name} has a field ${field} itself, which is to say of which collection a document is`, { hint: 'name another field with typeField' });
    for (const [property, wanted] of Object.entries(propertiesIn(mappingOf(collection, time)))) {
      const before = all.get(property);
      // Whatever is there takes what nobody described as well as any other.
      if (before !== undefined && fields.length === 0) continue;
      const missing = before === undefined ? wanted : missingIn(before, wanted, `${name}.${property}`);
      if (missing === undefined) continue;
      all.set(property, before === undefined ? wanted : missing);
      added.push([property, missing]);
    }
    described.push([name, { fields: fields as unknown as Value, key }]);
  }
  const meta = mapping && isDocument(mapping['_meta']) ? mapping['_meta'] : {};
  const ours = isDocument(meta['syncline']) ? meta['syncline'] : {};
  return {
    ...dynamicOf(collections, mapping),
    _meta: { ...meta, syncline: { ...ours, collections: Object.fromEntries(described) } },
    properties: Object.fromEntries(added),
  };
}

/** Fields that nobody described are indexed as the server sees fit only where a collection has no others. */
function dynamicOf(collections: readonly Collection[], mapping: Document | undefined): Document {
  const undescribed = collections.some(({ fields }) => fields.length === 0);
  if (!mapping) return undescribed ? loose : { dynamic: false };
  const isOurs = isDescribed(mapping) && String(mapping['dynamic']) === 'false';
  return undescribed && isOurs ? loose : {};
}

/** What a property lacks to hold what another one would; `undefined` where it lacks nothing. */
function missingIn(there: Value, wanted: Value, path: string): Value | undefined {
  if (!isDocument(there) || !isDocument(wanted)) throw clash(path, there, wanted);
  if (canonicalJson(there) === canonicalJson(wanted) || holds(there, wanted)) return undefined;
  if (!isObject(there) || !isObject(wanted)) throw clash(path, there, wanted);
  const inner = propertiesIn(there);
  const missing = Object.entries(propertiesIn(wanted)).flatMap(([name, property]): readonly (readonly [string, Value])[] => {
    const before = Object.hasOwn(inner, name) ? inner[name]! : undefined;
    const lacking = before === undefined ? property : missingIn(before, property, `${path}.${name}`);
    return lacking === undefined ? [] : [[name, lacking]];
  });
  return missing.length === 0 ? undefined : { properties: Object.fromEntries(missing) };
}

const integers = ['byte', 'short', 'integer', 'long'];
const texts = new Set(['keyword', 'text']);

/** Whether a property takes every value of another one, and gives it back. */
function holds(there: Document, wanted: Document): boolean {
  const [has, wants] = [String(there['type']), String(wanted['type'])];
  if (there['enabled'] === false) return wants !== 'binary';
  // Text takes any single value; bytes would come back as what they are written in.
  if (texts.has(has) || takesAnyTime(there)) return !isObject(wanted) && wants !== 'binary';
  return integers.includes(wants) && integers.indexOf(has) >= integers.indexOf(wants);
}

function isObject(property: Document): boolean {
  return property['enabled'] !== false && (property['properties'] !== undefined || property['type'] === 'object' || property['type'] === undefined);
}

function clash(path: string, there: Value, wanted: Value): SyncError {
  const typeOf = (property: Value): string => (isDocument(property) ? String(property['type'] ?? 'object') : 'another');
  return new SyncError('unsupported', `${path} would be of the type ${typeOf(wanted)}, and the index has a field of that name of the type ${typeOf(there)}`, { hint: 'rename the field, or give each collection an index of its own with layout=suffix' });
}

function propertiesIn(mapping: Document): Document {
  return isDocument(mapping['properties']) ? mapping['properties'] : {};
}
