/** Milliseconds that a `Retry-After` field asks to wait: seconds or a date (RFC 9110, section 10.2.3). `undefined` where it says neither. */
export function retryAfterMs(field: string | undefined, now: number): number | undefined {
  const text = field?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
