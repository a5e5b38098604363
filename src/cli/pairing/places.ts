import { SyncError } from '../../model/errors.ts';

/** The origins, and the last place as the destination. Throws `invalid` where there are fewer than two. */
export function splitPlaces(args: readonly string[]): { readonly origins: readonly string[]; readonly target: string } {
  const target = args.at(-1);
  if (target === undefined) throw new SyncError('invalid', 'no places were named', { hint: 'name at least one origin, and the destination last' });
  if (args.length < 2) throw new SyncError('invalid', 'only one place was named', { hint: 'name at least one origin, and the destination last' });
  return { origins: args.slice(0, -1), target };
}

/** The options that an endpoint brings along, behind its question mark. */
export function partsOf(endpoint: string): URLSearchParams {
  return new URLSearchParams(/\?(.*)$/s.exec(endpoint)?.[1] ?? '');
}
