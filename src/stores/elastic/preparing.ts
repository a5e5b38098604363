import type { Collection } from '../../model/collection.ts';
import { isDocument } from '../../model/document.ts';
import type { Document } from '../../model/document.ts';
import { SyncError } from '../../model/errors.ts';
import { causeOf, explained } from './failure.ts';
import { mappingOf } from './mapping.ts';
import { encodeNames } from './place.ts';
import type { Place } from './place.ts';
import type { TimeField } from './time-field.ts';

interface Wanted {
  readonly index: string;
  readonly body: string;
}

interface PreparingOptions {
  /** Whether indices that are missing are made. */
  readonly create: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Makes the indices for collections that are missing. All names and mappings are checked before the first is made. Where the server then
 * refuses one, those before it stay, empty as they are: to take them away again could take with them what somebody wrote.
 */
export async function prepareIndices(place: Place, collections: readonly Collection[], options: PreparingOptions): Promise<void> {
  const wanted = await checkIndices(place, collections, options);
  if (wanted.length === 0) return;
  for (const each of wanted) await makeIndex(place, each, options.signal);
  await place.look(options.signal);
}

/** What has to be made for collections to have an index each. Throws where one of them cannot have one, or none is to be made. */
export async function checkIndices(place: Place, collections: readonly Collection[], { create, signal }: PreparingOptions): Promise<readonly Wanted[]> {
  const there = await place.look(signal);
  const wanted: Wanted[] = [];
  for (const collection of collections) {
    if (place.isChosen(collection.name) && !there.has(collection.name)) wanted.push(await wantedFor(place, collection, signal));
  }
  if (wanted.length > 0 && !create) {
    const names = wanted.map(({ index }) => index).join(', ');
    throw new SyncError('not-found', `${place.name} has no ${wanted.length === 1 ? 'index' : 'indices'} ${names}, and none is to be made`, { store: place.name, hint: 'make what is missing, or allow it to be made' });
  }
  return wanted;
}

async function wantedFor(place: Place, collection: Collection, signal: AbortSignal | undefined): Promise<Wanted> {
  const { name } = collection;
  const index = await place.nameFor(name, signal);
  if (index === undefined) throw new SyncError('unsupported', `${place.name} has no place for the collection ${JSON.stringify(name)}`, { store: place.name, hint: 'name an index that is to hold it, or add layout=suffix to have one beside the others' });
  checkName(place, index, 'rename the collection');
  place.client.host.log('info', `${place.name}: ${name} gets the index ${index}${madeFor(collection, place.time)}`);
  const mappings = mappingOf(collection, place.time);
  const fields = fieldsIn(mappings);
  return { index, body: JSON.stringify({ mappings, ...(fields > mostFields && { settings: { 'index.mapping.total_fields.limit': 2 * fields } }) }) };
}

/** What is made for a collection, as the end of a sentence. */
export function madeFor({ fields }: Collection, time: TimeField | undefined): string {
  if (fields.length > 0) return ', with the fields that are described';
  return `, which takes values as they come${time ? `, and ${time.field} as ${time.unit === undefined ? 'a date' : `a number of ${time.unit}`}` : ''}`;
}

/** More fields than these an index takes only if it is told so. */
const mostFields = 1_000;

/** How many fields a mapping has, those within fields included. */
function fieldsIn(mapping: Document): number {
  return ['properties', 'fields'].map((name) => mapping[name]).filter(isDocument).flatMap((fields) => Object.values(fields).filter(isDocument)).reduce((sum, field) => sum + 1 + fieldsIn(field), 0);
}

const unsignedType = '"type":"unsigned_long"';

/** Makes an index, unless it is there by now. */
export async function makeIndex(place: Place, { index, body }: Wanted, signal: AbortSignal | undefined): Promise<void> {
  const answer = await place.client.request({ method: 'PUT', path: `/${encodeNames(index)}`, body, wanted: [400], about: place.about('make', index), signal });
  if (answer.status !== 400) return;
  const cause = causeOf(answer.body);
  // Not every build of these servers has that type; digits that are text are kept just as well.
  if (body.includes(unsignedType) && cause.reason?.includes('unsigned_long')) return await makeIndex(place, { index, body: body.replaceAll(unsignedType, '"type":"keyword"') }, signal);
  // Another one made it just now, or we did and did not hear of it.
  if (cause.type === 'resource_already_exists_exception') return;
  const { code, why } = explained(400, cause);
  throw new SyncError(code, `cannot make ${place.name}: ${index}: ${why}`, { store: place.name, hint: 'make the index by hand' });
}

/** Gives an index more to its mapping, or makes one with it. */
export async function putMapping(place: Place, { index, target, mapping }: { readonly index: string; /** Absent: it is to be made. */ readonly target: string | undefined; readonly mapping: Document }, signal: AbortSignal | undefined): Promise<void> {
  const details = { store: place.name };
  if (target === undefined) {
    checkName(place, index);
    return await makeIndex(place, { index, body: JSON.stringify({ mappings: mapping }) }, signal);
  }
  const put = async (body: string): Promise<void> => {
    const answer = await place.client.request({ method: 'PUT', path: `/${encodeNames(target)}/_mapping`, body, wanted: [400], about: place.about('prepare', index), signal });
    if (answer.status !== 400) return;
    const cause = causeOf(answer.body);
    if (body.includes(unsignedType) && cause.reason?.includes('unsigned_long')) return await put(body.replaceAll(unsignedType, '"type":"keyword"'));
    const { code, why } = explained(400, cause);
    throw new SyncError(code, `cannot prepare ${place.name}: ${why}`, { ...details, hint: 'rename the field, or give each collection an index of its own with layout=suffix' });
  };
  await put(JSON.stringify(mapping));
}

/** Throws where no index can have this name. */
export function checkName(place: Place, index: string, hint = 'choose another name'): void {
  const flaw = flawOfIndex(index);
  if (flaw !== undefined) throw new SyncError('unsupported', `${place.name} cannot have an index ${JSON.stringify(index)}: its name ${flaw}`, { store: place.name, hint });
}

/** What forbids a name to an index. */
export function flawOfIndex(name: string): string | undefined {
  if (name !== name.toLowerCase()) return 'has capital letters';
  if (/[\\/*?"<>|\s,#:\u0000-\u001f]/.test(name)) return 'has a character that no index may have';
  if (/^[-_+.]/.test(name)) return 'begins with a character that no index may begin with';
  return Buffer.byteLength(name) > 255 ? 'is longer than 255 bytes' : undefined;
}
