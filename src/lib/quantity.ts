const binary: { readonly [unit: string]: number } = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const milliseconds: { readonly [unit: string]: number } = { ms: 1, s: 1_000, '': 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** Bytes written as `1048576`, `512k`, `1.5M`, `1Gi`, `10MiB`, `2G`: units are powers of 1,024. `undefined` where it is none of these. */
export function parseBytes(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])i?)?b?$/i.exec(text.trim());
  if (!found) return undefined;
  const bytes = Math.round(Number(found[1]) * (binary[(found[2] ?? '').toLowerCase()] as number));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Milliseconds written as `90s`, `1.5h`, `1h30m`, `7d`; without a unit, seconds. `undefined` where it is none of these. */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim().toLowerCase();
  if (/^\d+(?:\.\d+)?$/.test(trimmed)) return Math.round(Number(trimmed) * 1_000);
  const parts = [...trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== trimmed) return undefined;
  const total = Math.round(parts.reduce((sum, [, number, unit]) => sum + Number(number) * (milliseconds[unit as string] as number), 0));
  return Number.isSafeInteger(total) ? total : undefined;
}
