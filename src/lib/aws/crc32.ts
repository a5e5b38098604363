import { crc32 } from 'node:zlib';

/** The polynomial, with the bit of the highest power last. */
const polynomial = 0xedb88320;
/** 1 and x to the power of 8, in the same order of bits. */
const [one, byte] = [0x80000000, 0x00800000];

/** The CRC-32 of bytes that follow others whose CRC-32 is `before`. */
export function crcOf(bytes: Uint8Array, before = 0): number {
  return crc32(bytes, before);
}

/** The CRC-32 of two runs of bytes, one after the other, from that of each and the length of the second. */
export function joinedCrc(first: number, second: number, secondBytes: number): number {
  let shift = one;
  for (let [left, power] = [secondBytes, byte]; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) shift = product(shift, power);
    power = product(power, power);
  }
  return (product(first, shift) ^ second) >>> 0;
}

/** A CRC-32 as services write it: its four bytes, the highest first, in Base64. */
export function crcText(crc: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}

/** The product of two polynomials over one bit, modulo that of the CRC. */
function product(a: number, b: number): number {
  let sum = 0;
  for (let bit = 31, term = b; bit >= 0; bit--) {
    if ((a >>> bit) % 2 === 1) sum ^= term;
    term = (term >>> 1) ^ (term % 2 === 0 ? 0 : polynomial);
    term >>>= 0;
  }
  return sum >>> 0;
}
