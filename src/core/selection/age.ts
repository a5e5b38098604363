import type { Micros } from '../../model/entry.ts';

/** How old something may be: a span of time before now, or a moment that does not move. */
export type Age = { readonly kind: 'span'; readonly micros: Micros } | { readonly kind: 'moment'; readonly micros: Micros };

const second = 1_000_000;
const day = 86_400 * second;
const units: { readonly [unit: string]: Micros } = { ms: 1_000, s: second, m: 60 * second, h: 3_600 * second, d: day, w: 7 * day, M: 30 * day, y: 365 * day };

/**
 * An age written as `90s`, `1h30m`, `7d`, `3M` (months of 30 days), `1y` (365 days), seconds without a unit, or a moment
 * as in `2026-01-31` or `2026-01-31T12:00:00+01:00`, UTC unless it says otherwise. `undefined` where it is none of these.
 */
export function parseAge(text: string): Age | undefined {
  const trimmed = text.trim();
  if (/^\d+(?:\.\d+)?$/.test(trimmed)) return span(Number(trimmed) * second);
  const pieces = [...trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwMy])/g)];
  if (pieces.length > 0 && pieces.map(([whole]) => whole).join('') === trimmed) return span(pieces.reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit as string] as number), 0));
  return moment(trimmed);
}

/** The moment that lies so far back. */
export function momentOf({ kind, micros }: Age, now: Micros): Micros {
  return kind === 'span' ? now - micros : micros;
}

function span(micros: number): Age | undefined {
  const rounded = Math.round(micros);
  return Number.isSafeInteger(rounded) ? { kind: 'span', micros: rounded } : undefined;
}

function moment(text: string): Age | undefined {
  const found = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(Z|[+-]\d\d:?\d\d)?)?$/.exec(text);
  if (!found) return undefined;
  const [, date = '', time = '00:00', zone = 'Z'] = found;
  // The system takes 30 February for 1 March.
  if (new Date(`${date}T00:00Z`).toJSON()?.startsWith(date) !== true) return undefined;
  const micros = Date.parse(`${date}T${time}${zone.replace(/^(.\d\d)(\d\d)$/, '$1:$2')}`) * 1_000;
  return Number.isSafeInteger(micros) ? { kind: 'moment', micros } : undefined;
}
