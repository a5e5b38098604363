import type { Repaired } from '../../engine/repair.ts';
import type { Difference, Differences, Verification } from '../../engine/verify.ts';
import { rangeLines, remarkLines } from './summary.ts';
import { count, counted, printable } from './style.ts';
import type { Paint } from './style.ts';

const marks = { missing: ['+', 'only in the first place', 'green'], extra: ['-', 'only in the last place', 'red'], differs: ['~', 'differs', 'yellow'] } as const;
const repairs = { missing: 'written', extra: 'deleted', differs: 'replaced' } as const;

/** Fields that are named; the others are counted. */
const mostFields = 8;

/** How a comparison is told. */
export interface VerificationStyle {
  readonly paint: Paint;
  /** Whether types are kinds of things, and each is worth a line. */
  readonly byType: boolean;
}

/** What a comparison found, for people: the keys that differ and in what, how many of each type, and what it comes to. */
export function verificationText({ equal, differing, types, report }: Verification, style: VerificationStyle): string {
  const lines = listed(differing, report.differences, style);
  if (!equal && style.byType && Object.keys({ ...report.types, ...types }).length > 1) lines.push(...typeLines(report, types));
  lines.push(...remarkLines(report, style.paint), ...rangeLines(report));
  const same = `${count(report.counts.unchanged)} the same`;
  if (equal) lines.push(`${style.paint('green', 'equal')}: ${counted(report.counts.unchanged, 'entry', 'entries')}`);
  else if (report.differences > 0) lines.push(`${style.paint('red', 'not equal')}: ${counted(report.differences, 'key differs', 'keys differ')}, ${same}${unread(report)}`);
  else lines.push(`${style.paint('red', 'not proven')}: ${same}${unread(report)}`);
  return lines.map((line) => `${line}\n`).join('');
}

/** What a repair did, for people, and what still differs. */
export function repairText({ equal, repaired, differing, report }: Repaired, style: VerificationStyle): string {
  const { counts } = report;
  const changes = counts.created + counts.updated + counts.deleted;
  const lines = repaired.map(({ key, kind }) => `${style.paint(marks[kind][2], `${marks[kind][0]} ${printable(key)}`)} ${repairs[kind]}`);
  if (changes > repaired.length) lines.push(`and ${counted(changes - repaired.length, 'more key')}`);
  lines.push(...listed(differing, differing.length, style), ...remarkLines(report, style.paint), ...rangeLines(report));
  const done = changes === 0 ? 'nothing to repair' : `${counted(changes, 'key')} repaired and read again`;
  if (equal) lines.push(`${style.paint('green', 'equal')}: ${done}, ${count(counts.unchanged)} the same`);
  else if (report.differences > 0) lines.push(`${style.paint('red', 'not equal')}: ${done}, ${counted(report.differences, 'key still differs', 'keys still differ')}${unread(report)}`);
  else lines.push(`${style.paint('red', 'not proven')}: ${done}, ${count(counts.unchanged)} the same${unread(report)}`);
  return lines.map((line) => `${line}\n`).join('');
}

/** How much could not be compared, as the end of a sentence. */
function unread({ problems }: Verification['report']): string {
  return problems > 0 ? `, ${count(problems)} could not be read` : '';
}

function listed(differing: readonly Difference[], all: number, { paint }: VerificationStyle): string[] {
  const lines = differing.map(({ key, kind, fields }) => {
    const [mark, words, color] = marks[kind];
    return `${paint(color, `${mark} ${printable(key)}`)} ${words}${fieldsText(fields)}`;
  });
  return all > differing.length ? [...lines, `and ${counted(all - differing.length, 'more key')}`] : lines;
}

function fieldsText(fields: readonly string[] = []): string {
  if (fields.length === 0) return '';
  const named = fields.slice(0, mostFields).map((field) => printable(field)).join(', ');
  return ` in ${named}${fields.length > mostFields ? ` and ${counted(fields.length - mostFields, 'more field')}` : ''}`;
}

/** A line for each type: how many of its keys are the same, and how many are not. */
function typeLines(report: Verification['report'], types: Verification['types']): readonly string[] {
  return Object.keys({ ...report.types, ...types }).sort().flatMap((name) => {
    const { missing, extra, differs }: Differences = types[name] ?? { missing: 0, extra: 0, differs: 0 };
    if (!types[name] && !report.types[name]?.unchanged) return [];
    const parts = [`${count(report.types[name]?.unchanged ?? 0)} the same`];
    if (differs > 0) parts.push(`${count(differs)} ${differs === 1 ? 'differs' : 'differ'}`);
    if (missing > 0) parts.push(`${count(missing)} only in the first place`);
    if (extra > 0) parts.push(`${count(extra)} only in the last place`);
    return [`${name === '' ? '(no type)' : printable(name)}: ${parts.join(', ')}`];
  });
}
