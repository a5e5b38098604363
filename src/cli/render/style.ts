import { stripVTControlCharacters, styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Writes text in colours, or does not. */
export type Paint = (format: Format, text: string) => string;

/** Whether colours are welcome on a stream: a terminal that can, and nobody who asked for none. */
export function wantsColor({ isTTY, environment, color }: {
  readonly isTTY: boolean;
  readonly environment: { readonly [name: string]: string | undefined };
  /** What the command line says. */
  readonly color: boolean | undefined;
}): boolean {
  if (color === false || environment['NO_COLOR']) return false;
  if (environment['FORCE_COLOR'] !== undefined && environment['FORCE_COLOR'] !== '0') return true;
  return isTTY && environment['TERM'] !== 'dumb';
}

/** Colours, or text as it is. */
export function painter(colored: boolean): Paint {
  return colored ? (format, text) => styleText(format, text, { validateStream: false }) : (_, text) => text;
}

/**
 * Text from outside as it may go to a terminal: control characters, which could move the cursor or retitle the
 * window, are shown as escapes; tabs and line ends only where `lines` allows them.
 */
export function printable(text: string, lines = false): string {
  return text.replace(controls, (character) => {
    if (lines && (character === '\n' || character === '\t')) return character;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

// C0 and C1 controls, and the marks that reorder text on screen.
// eslint-disable-next-line no-control-regex -- they are what is looked for
const controls = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** How many columns a line takes: escapes none, wide characters two. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of stripVTControlCharacters(text)) columns += wide.test(character) ? 2 : 1;
  return columns;
}

const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u;

/** A count with its digits in groups, as in `12,345`. */
export function count(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A count and what is counted, as in `1 entry`, `2 entries`. */
export function counted(number: number, one: string, many: string = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** A span of time for people, as in `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const all = Math.round(ms / 1000);
  if (all < 60) return `${all} s`;
  if (all < 3600) return `${Math.floor(all / 60)} min ${all % 60} s`;
  return `${Math.floor(all / 3600)} h ${Math.floor((all % 3600) / 60)} min`;
}
