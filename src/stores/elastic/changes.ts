import { isDocument } from '../../model/document.ts';
import type { Value } from '../../model/document.ts';
import type { Marks } from '../records/changes.ts';
import type { Place } from './place.ts';

/** Which part of what an index says of itself is asked for. */
const asked = 'indices.*.uuid,indices.*.shards.*.routing.primary,indices.*.shards.*.seq_no.max_seq_no';

/** How many operations each index has seen, which the server counts anyway. */
export async function marksOf(place: Place, signal: AbortSignal | undefined): Promise<Marks> {
  const known = new Map([...(await place.indicesFor([], signal)).values()].map(({ index, collection }) => [index, collection]));
  const { body } = await place.client.request({ path: `/${place.expression}/_stats/docs?level=shards&ignore_unavailable=true&allow_no_indices=true&filter_path=${asked}`, about: place.about('watch'), signal, wanted: [404] });
  const marks = new Map<string, string>();
  for (const [name, about] of fieldsOf(body['indices'])) {
    const { uuid = '', shards } = isDocument(about) ? about : {};
    const counts = fieldsOf(shards).flatMap(([shard, copies]) => countsIn(copies).map((count) => `${shard}:${count}`));
    const collection = known.get(name) ?? '';
    marks.set(collection, [marks.get(collection) ?? '', uuid, ...counts].join(' '));
  }
  return marks;
}

function fieldsOf(value: Value | undefined): readonly (readonly [string, Value])[] {
  return isDocument(value) ? Object.entries(value) : [];
}

/** The count of the copy of a shard that takes writes. */
function countsIn(copies: Value): readonly string[] {
  return (Array.isArray(copies) ? copies as readonly Value[] : []).flatMap((copy) => {
    const { routing, seq_no: numbers } = isDocument(copy) ? copy : {};
    return isDocument(routing) && routing['primary'] === true && isDocument(numbers) ? [String(numbers['max_seq_no'])] : [];
  });
}
