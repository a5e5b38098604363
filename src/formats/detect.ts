import { readJsonStream } from './json.ts';
import type { Found } from './text.ts';
import { readYamlStream } from './yaml-read.ts';

/**
 * Which of the two a stream is, by its beginning. What begins as JSON does is JSON, but for a brace that is followed
 * by what JSON does not allow there.
 */
export function detectFormat(head: string): 'yaml' | 'json' {
  const text = head.replace(/^\ufeff?\s*/, '');
  return /^(?:\{\s*(?:"|\}|$)|\[\s*(?:[[{"\d-]|\]|$|(?:null|true|false)\s*[,\]]))/.test(text) ? 'json' : 'yaml';
}

/** The documents of a stream, in the format given or the one it looks like. Holds one at a time. */
export async function* readDocuments(chunks: AsyncIterable<Uint8Array>, place: string, format?: 'yaml' | 'json'): AsyncGenerator<Found, void, undefined> {
  if (format !== undefined) {
    yield* format === 'json' ? readJsonStream(chunks, place) : readYamlStream(chunks, place);
    return;
  }
  const iterator = chunks[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let text = '';
  for (let length = 0; length < headBytes && !/\S.{0,63}\S/s.test(text); ) {
    const next = await iterator.next();
    if (next.done === true) break;
    head.push(next.value);
    length += next.value.length;
    text = new TextDecoder().decode(Buffer.concat(head));
  }
  const all = rejoined(head, iterator);
  yield* detectFormat(text) === 'json' ? readJsonStream(all, place) : readYamlStream(all, place);
}

const headBytes = 65_536;

async function* rejoined(head: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
