import type { Stat } from '../model/entry.ts';
import { sameDigest } from '../model/late-document.ts';

/**
 * Whether two stats describe the same content: yes, no, or `undefined` when the evidence is too thin.
 * Times within `precision` microseconds of each other count as one time.
 */
export function sameContent(a: Stat, b: Stat, precision: number): boolean | undefined {
  if (a.digest && b.digest && a.digest.algorithm === b.digest.algorithm) return sameDigest(a.digest, b.digest);
  if (a.size !== undefined && b.size !== undefined && a.size !== b.size) return false;
  if (a.modifiedAt !== undefined && b.modifiedAt !== undefined) return a.size === undefined || b.size === undefined ? undefined : Math.abs(a.modifiedAt - b.modifiedAt) < precision || undefined;
  return undefined;
}
