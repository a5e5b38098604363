import type { Failed } from '../../engine/types.ts';
import { typeOf } from '../../model/key.ts';
import { count } from './style.ts';

/** So much is shown of the beginning and the end of a word without end, as a key of thousands of characters: reports for programs have it whole. */
const [shownFirst, shownLast] = [240, 20];
const endless = /\S{500,}/g;

/**
 * What could not be done, in two parts that follow one another, so that the first may be painted: `cannot read`, and
 * where and why. A reason that names the place itself is not given it a second time. `why`: default, the error's sentence.
 */
export function failureText(failed: Pick<Failed, 'place' | 'action' | 'error' | 'alike'>, why?: string): readonly [what: string, whereAndWhy: string] {
  const [what, full] = textOf(failed, why);
  const whereAndWhy = full.replace(endless, (word) => `${word.slice(0, shownFirst)}…${word.slice(-shownLast)}`);
  if (failed.alike === undefined) return [what, whereAndWhy];
  const type = typeOf(failed.place);
  return [what, `${whereAndWhy}; so it is with ${count(failed.alike)} more${type === '' ? '' : ` of ${type}`}`];
}

function textOf({ place, action, error }: Pick<Failed, 'place' | 'action' | 'error'>, why: string = error.sentence): readonly [what: string, whereAndWhy: string] {
  const verb = action === 'conflict' ? 'decide' : action;
  if (!names(why, place)) return [`cannot ${verb}`, `${place}: ${why}`];
  const own = /^cannot [a-z]+(?= )/.exec(why)?.[0];
  if (own !== undefined) return [own, why.slice(own.length + 1)];
  return new RegExp(`^${RegExp.escape(placeAlone(place))}(?::\\d+)?: `).test(why) ? [`cannot ${verb}`, why] : [`cannot ${verb}:`, why];
}

/** Whether a reason names a place, as a word of its own and perhaps with another line number. */
function names(why: string, place: string): boolean {
  return new RegExp(`(?<![^\\s"'(])${RegExp.escape(placeAlone(place))}(?::\\d+)?(?![^\\s"'):,])`).test(why);
}

function placeAlone(place: string): string {
  return place.replace(/(?<!\/\/[^/]*):\d+$/, '');
}
