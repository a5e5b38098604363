import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { to } from 'pg-copy-streams';
import { inBlocks } from './copied-out.ts';

type Copying = ReturnType<typeof to>;

function message(code: string, content: string): Buffer {
  const text = Buffer.from(content);
  const head = Buffer.alloc(5);
  head.write(code);
  head.writeUInt32BE(text.length + 4, 1);
  return Buffer.concat([head, text]);
}

/** What a stream gives of an answer in these pieces, and what it leaves to whoever reads what comes after. */
async function readBy(copying: Copying, pieces: readonly Buffer[]): Promise<readonly [rows: string, rest: string]> {
  const stream = new PassThrough();
  const rest: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => void rest.push(chunk));
  copying.submit({ stream, query: () => {} } as unknown as Parameters<Copying['submit']>[0]);
  const rows: Buffer[] = [];
  copying.on('data', (chunk: Buffer) => void rows.push(Buffer.from(chunk)));
  for (const piece of pieces) {
    stream.write(Buffer.from(piece));
    await new Promise(setImmediate);
  }
  for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
  return [Buffer.concat(rows).toString('latin1'), Buffer.concat(rest).toString('latin1')];
}

test('rows in blocks are the rows that the stream gives, however the answer is cut and whatever comes in between', async () => {
  const between = fc.constantFrom(message('N', 'a notice'), message('S', 'a\0b\0'), message('A', ''));
  const row = fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => message('d', `${text}\n`));
  const ending = fc.constantFrom(Buffer.concat([message('c', ''), message('C', 'COPY 1\0'), message('Z', 'I')]), Buffer.concat([message('C', 'SNAdSNAdSNAdSNAd\0'), message('Z', 'I')]), Buffer.concat([message('E', 'SERROR\0\0'), message('Z', 'I')]));
  await fc.assert(fc.asyncProperty(fc.array(fc.oneof({ weight: 5, arbitrary: row }, { weight: 1, arbitrary: between }), { maxLength: 12 }), ending, fc.array(fc.nat({ max: 30 }), { maxLength: 12 }), async (rows, end, cuts) => {
    const answer = Buffer.concat([message('H', '\0\0\0'), ...rows, end]);
    const pieces: Buffer[] = [];
    let at = 0;
    for (const cut of [...cuts, answer.length]) {
      if (at < answer.length && cut > 0) pieces.push(answer.subarray(at, at + cut));
      at += cut;
    }
    const [[found, rest], [wanted, wantedRest]] = [await readBy(inBlocks(to('')), pieces), await readBy(to(''), pieces)];
    // Of what fails, the last rows may be told or not.
    if (end[0] === 0x45) assert.ok(found.startsWith(wanted));
    else assert.equal(found, wanted);
    assert.equal(rest, wantedRest);
  }), { numRuns: 300 });
});
