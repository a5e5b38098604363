import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerParser, MalformedAnswer } from './answer-parser.ts';
import type { HttpHeaders } from './client.ts';

interface Read {
  readonly status: number | undefined;
  readonly headers: HttpHeaders;
  readonly body: string;
  readonly done: boolean;
  readonly persistent: boolean;
}

/** What is read of an answer that comes in pieces of so many bytes. */
function read(text: string, { bodiless = false, step = Infinity }: { readonly bodiless?: boolean; readonly step?: number } = {}): Read {
  let [status, headers, body]: [number | undefined, HttpHeaders, string] = [undefined, {}, ''];
  const parser = new AnswerParser({
    head(...head) { [status, headers] = head; },
    data(bytes) { return (body += bytes.toString('latin1')) !== ''; },
  }, bodiless);
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += step) parser.feed(bytes.subarray(at, at + step));
  return { status, headers, body, done: parser.done, persistent: parser.persistent };
}

const answers: { readonly [what: string]: { readonly text: string; readonly bodiless?: boolean; readonly expected: Partial<Read> } } = {
  'of a length': { text: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a:  2 \r\n\r\nhello', expected: { status: 200, body: 'hello', done: true, persistent: true, headers: { 'content-length': '5', 'x-a': '1, 2' } } },
  'without a reason': { text: 'HTTP/1.1 404\r\ncontent-length: 0\r\n\r\n', expected: { status: 404, body: '', done: true, persistent: true } },
  'in chunks, with an extension and a trailer': { text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\nA \r\n, wide wor\r\n0\r\nX-Sum: 1\r\n\r\n', expected: { body: 'hello, wide wor', done: true, persistent: true } },
  'to HEAD, whatever length it says': { text: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', bodiless: true, expected: { body: '', done: true, persistent: true } },
  'that has no body by its status': { text: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', expected: { status: 304, done: true, persistent: true } },
  'after interim ones': { text: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx', expected: { status: 201, body: 'x', done: true, headers: { 'content-length': '1' } } },
  'that ends with the connection': { text: 'HTTP/1.1 200 OK\r\n\r\nall there is', expected: { body: 'all there is', done: false, persistent: false } },
  'after which the connection is closed': { text: 'HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 1\r\n\r\nx', expected: { done: true, persistent: false } },
  'of an old server': { text: 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx', expected: { done: true, persistent: false } },
  'of an old server that keeps connections': { text: 'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx', expected: { done: true, persistent: true } },
  'behind which something comes that nobody asked for': { text: 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n', expected: { body: 'x', done: true, persistent: false } },
  'with a field that looks like an inherited one': { text: 'HTTP/1.1 200 OK\r\n__proto__: x\r\nConstructor: y\r\nContent-Length: 0\r\n\r\n', expected: { done: true, headers: { 'constructor': 'y', 'content-length': '0' } } },
};

for (const [what, { text, bodiless = false, expected }] of Object.entries(answers)) {
  test(`an answer ${what} is read alike however it comes`, () => {
    for (const step of [Infinity, 1, 2, 7, 16]) {
      const found = read(text, { bodiless, step });
      for (const [name, value] of Object.entries(expected)) assert.deepEqual(found[name as keyof Read], value, `${name}, ${step} at a time`);
    }
  });
}

const refused: { readonly [what: string]: string } = {
  'something else': 'SSH-2.0-OpenSSH_9.2\r\n',
  'another version': 'HTTP/2 200 OK\r\n\r\n',
  'a status that is none': 'HTTP/1.1 20 OK\r\n\r\n',
  'a change of protocol': 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  'a length that is no number': 'HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n',
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n',
  'a length and chunks': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
  'a field that goes on in the next line': 'HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n',
  'a field without a name': 'HTTP/1.1 200 OK\r\n: 1\r\n\r\n',
  'a name with a space behind': 'HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n',
  'a chunk without a length': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n',
  'a chunk that is longer than it says': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n',
  'a line of a chunk that ends early': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n',
  'a head without an end': `HTTP/1.1 200 OK\r\nX-A: ${'x'.repeat(70_000)}`,
  'a line of a chunk without an end': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(5_000)}`,
};

for (const [what, text] of Object.entries(refused)) {
  test(`an answer with ${what} is refused`, () => {
    for (const step of [Infinity, 1, 4096]) assert.throws(() => read(text, { step }), MalformedAnswer, `${step} at a time`);
  });
}
