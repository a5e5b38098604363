import type { Host } from '../../model/host.ts';

/** Tells of each pause that a server with too much to do is given. */
export function pausing({ log }: Pick<Host, 'log'>): (why: string, inMs: number) => void {
  return (why, inMs) => log('info', `${why}; it is left alone for ${Math.ceil(inMs)} ms`);
}
