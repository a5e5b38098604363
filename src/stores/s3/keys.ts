import type { Key } from '../../model/key.ts';

/** The longest name of an object, in UTF-8 bytes. */
export const objectKeyBytes = 1_024;

/** Names that begin like this are objects with which a bucket is tried out; they are no part of any store. */
export const probePrefix = '.syncline-probe-';

/** Whether a name has parts that servers which keep objects as files may take for a way through their folders. */
export function isWinding(key: Key): boolean {
  return key.startsWith('/') || key.includes('//') || /(?:^|\/)\.{1,2}(?:\/|$)/.test(key);
}

/** Why a key cannot be the name of an object below `prefix`; `undefined` where it can. */
export function flawOf(key: Key, prefix: string): string | undefined {
  if (key === '') return 'it is empty';
  if (!key.isWellFormed()) return 'it is not well-formed Unicode';
  if (key.includes('\0')) return 'it holds a NUL character';
  if (key.endsWith('/')) return 'a name that ends with a slash stands for a directory';
  if (key.startsWith(probePrefix)) return `names that begin with ${probePrefix} are used to try out the bucket`;
  if ((prefix.length + key.length) * 3 > objectKeyBytes && Buffer.byteLength(prefix) + Buffer.byteLength(key) > objectKeyBytes) return `with its prefix it is longer than ${objectKeyBytes} bytes`;
  return undefined;
}
