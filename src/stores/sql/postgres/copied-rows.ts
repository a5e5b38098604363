import type { Raw, RawRow } from '../table.ts';

/** The rows in what `COPY … TO STDOUT` sends as text, whose last column is the version: those of each piece at once. */
export async function* copiedRows(pieces: AsyncIterable<Buffer>): AsyncGenerator<readonly RawRow[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    const end = piece.lastIndexOf(0x0a);
    if (end < 0) {
      rest = Buffer.concat([rest, piece]);
      continue;
    }
    const text = rest.length > 0 ? Buffer.concat([rest, piece.subarray(0, end)]).toString() : piece.toString('utf8', 0, end);
    rest = Buffer.from(piece.subarray(end + 1));
    yield text.split('\n').map(versionedRowOf);
  }
}

function versionedRowOf(line: string): RawRow {
  const at = line.lastIndexOf('\t');
  return { values: rowOf(line.slice(0, at)), version: line.slice(at + 1) };
}

/** The values in one line, without its line feed. */
export function rowOf(line: string): readonly (string | null)[] {
  const values: (string | null)[] = line.split('\t');
  if (line.includes('\\')) for (let i = 0; i < values.length; i++) if (values[i]!.includes('\\')) values[i] = plain(values[i]!);
  return values;
}

const escapes: { readonly [letter: string]: string } = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function plain(text: string): string | null {
  return text === '\\N' ? null : text.replace(/\\(.)/gs, (_, letter: string) => escapes[letter] ?? letter);
}

/** Rows as `COPY … FROM STDIN` takes them. */
export function rowsToCopy(rows: readonly (readonly (Raw | null | undefined)[])[]): string {
  let text = '';
  for (const row of rows) {
    for (let i = 0; i < row.length; i++) {
      const value = row[i];
      if (i > 0) text += '\t';
      if (value === null || value === undefined) text += '\\N';
      else text += special.test(String(value)) ? String(value).replace(specials, escaped) : String(value);
    }
    text += '\n';
  }
  return text;
}

const special = /[\\\n\r\t]/;
const specials = /[\\\n\r\t]/g;
const letters: { readonly [character: string]: string } = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(character: string): string {
  return letters[character]!;
}
