import type { Value } from '../../model/document.ts';
import { Unfit } from './codec.ts';

/** Any integer that is written as a number or as a bigint. */
export function integerOf(value: Value): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw new Unfit('is not a whole number');
  return BigInt(value);
}

/** An integer as documents hold it: as a number where that is safe. */
export function smallest(integer: bigint): number | bigint {
  return integer >= Number.MIN_SAFE_INTEGER && integer <= Number.MAX_SAFE_INTEGER ? Number(integer) : integer;
}

/** The number of bytes that follow stands in ones at the beginning of the first. */
export function unsignedVarint(value: bigint): Buffer {
  let extra = 0;
  while (extra < 8 && value >> BigInt(7 * (extra + 1)) !== 0n) extra++;
  const bytes = Buffer.alloc(extra + 1);
  for (let i = extra, rest = value; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  bytes[0]! |= 0xff & ~(0xff >> extra);
  return bytes;
}
