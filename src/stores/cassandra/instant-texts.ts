import { Unfit } from './codec.ts';

const dayMs = 86_400_000;
/** The years of four digits that begin with no zero. */
const usual = [Date.UTC(1000, 0), Date.UTC(10_000, 0)] as const;
const twoDigits = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, '0'));
const fractions = Array.from({ length: 1_000 }, (_, i) => (i === 0 ? '' : `.${String(i).padStart(3, '0').replace(/0+$/, '')}`));

/** Days whose text is kept at a time, each in the place that its number has. */
const daysKept = 1_024;

/** Makes texts of instants, as records carry them, of milliseconds since 1970. Those of a day that one was of before cost a fraction. */
export function instantTexts(): (millis: number) => string {
  const days = new Float64Array(daysKept).fill(NaN);
  const dates = new Array<string>(daysKept);
  return (millis) => {
    if (!(millis >= usual[0] && millis < usual[1])) return anyInstant(millis);
    const day = Math.floor(millis / dayMs);
    const at = day & (daysKept - 1);
    if (days[at] !== day) [days[at], dates[at]] = [day, new Date(day * dayMs).toISOString().slice(0, 11)];
    const rest = millis - day * dayMs;
    const seconds = Math.floor(rest / 1_000);
    const minutes = Math.floor(seconds / 60);
    return `${dates[at]!}${twoDigits[Math.floor(minutes / 60)]!}:${twoDigits[minutes % 60]!}:${twoDigits[seconds % 60]!}${fractions[rest % 1_000]!}Z`;
  };
}

function anyInstant(millis: number): string {
  if (Number.isNaN(millis)) throw new Unfit('is a time beyond the year 275760');
  const text = new Date(millis).toISOString();
  let end = text.length - 1;
  while (text.charCodeAt(end - 1) === 0x30) end--;
  // Zeros are left out behind the point alone.
  return end > text.length - 4 ? `${text.slice(0, end)}Z` : `${text.slice(0, -5)}Z`;
}
