import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * What tells the file system that a directory is on from another one that may be mounted there, or from the bare mount
 * point: where it is mounted, its type, and the birth of its top directory. Device numbers change from one start of the
 * machine to the next, and so count only where there is no birth. Throws system errors.
 */
export function mountOf(directory: string): string {
  const { dev } = statSync(directory, { bigint: true });
  let top = directory;
  for (let above = dirname(top); above !== top && statSync(above, { bigint: true }).dev === dev; above = dirname(above)) top = above;
  const { ino, birthtimeNs } = statSync(top, { bigint: true });
  return [top, statfsSync(top, { bigint: true }).type.toString(16), ino, birthtimeNs > 0n ? birthtimeNs : `device ${dev}`].join(' ');
}
