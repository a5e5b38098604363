import { canonicalJson } from '../lib/canonical-json.ts';
import { isDocument } from '../model/document.ts';
import type { Document } from '../model/document.ts';

/** The names of the fields that two documents do not hold alike, in order; of fields within fields as in `address.city`. */
export function differingFields(left: Document, right: Document): readonly string[] {
  return fieldsIn(left, right, '').sort((a, b) => (a < b ? -1 : 1));
}

function fieldsIn(left: Document, right: Document, prefix: string): string[] {
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((name) => {
    const [ours, theirs] = [left, right].map((document) => (Object.hasOwn(document, name) ? document[name] : undefined));
    if (isDocument(ours) && isDocument(theirs)) return fieldsIn(ours, theirs, `${prefix}${name}.`);
    const isSame = ours === undefined || theirs === undefined ? ours === theirs : canonicalJson(ours) === canonicalJson(theirs);
    return isSame ? [] : [prefix + name];
  });
}
