import type { Host } from '../../model/host.ts';

/** Tells of each pause that a server with too much to do is given. `place`: what is said is about it, and does not say so. */
export function pausing({ log }: Pick<Host, 'log'>, place?: string): (why: string, inMs: number) => void {
  const about = place === undefined ? '' : `cannot connect to ${place}: `;
  return (why, inMs) => log('info', `${about}${why}; it is left alone for ${Math.ceil(inMs)} ms`);
}
