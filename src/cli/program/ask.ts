import { readSync } from 'node:fs';
import type { ReadStream } from 'node:tty';
import { SyncError } from '../../model/errors.ts';
import type { Terminal } from './terminal.ts';

const longestSecret = 4_096;

/**
 * Asks for a secret on standard error without showing what is typed. Where standard input is no terminal, one line of
 * it is the answer, and a warning says so. Throws `interrupted` on Ctrl-C, `invalid` where input ends first.
 */
export async function askSecret(question: string, terminal: Terminal): Promise<string> {
  if (process.stdin.isTTY) return await typed(question, process.stdin, terminal);
  terminal.err('warning: standard input is not a terminal, the password is read from its first line');
  return firstLine();
}

// Byte by byte: what follows the line belongs to whoever reads standard input next.
function firstLine(): string {
  const bytes: number[] = [];
  const byte = Buffer.alloc(1);
  while (bytes.length < longestSecret) {
    let got = 0;
    try {
      got = readSync(0, byte, 0, 1, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
        continue;
      }
      if ((error as NodeJS.ErrnoException).code !== 'EOF') throw error;
    }
    if (got === 0 && bytes.length === 0) throw new SyncError('invalid', 'no password was given: standard input is empty', { hint: 'write the password to it, or use --netrc-file' });
    if (got === 0 || byte[0] === 10) break;
    bytes.push(byte[0] ?? 0);
  }
  return Buffer.from(bytes).toString('utf8').replace(/\r$/, '');
}

function typed(question: string, input: ReadStream, terminal: Terminal): Promise<string> {
  return new Promise((resolve, reject) => {
    terminal.raw(`${question.trimEnd()} `);
    let secret = '';
    const end = (): void => {
      input.off('data', take);
      input.setRawMode(false);
      input.pause();
      terminal.raw('\n');
    };
    const take = (chunk: Buffer): void => {
      for (const character of chunk.toString('utf8')) {
        if (character === '\r' || character === '\n') {
          end();
          return resolve(secret);
        }
        if (character === '\u0003' || (character === '\u0004' && secret === '')) {
          end();
          return reject(new SyncError('interrupted', 'interrupted at the password prompt'));
        }
        if (character === '\u007f' || character === '\b') secret = [...secret].slice(0, -1).join('');
        else if (character === '\u0015') secret = '';
        else if (character >= ' ' && secret.length < longestSecret) secret += character;
      }
    };
    input.setRawMode(true);
    input.on('data', take);
    input.resume();
  });
}
