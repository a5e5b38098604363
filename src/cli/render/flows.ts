import type { Flow, Report } from '../../engine/types.ts';
import { columnsOf, count, printable } from './style.ts';
import type { Paint } from './style.ts';

/** Types shown by name. */
const listed = 40;

/** What went each way between two sides, a line for each type and way; no lines where that was not counted. */
export function flowLines({ flows = {} }: Report, paint: Paint, [left, right]: readonly [string, string] = ['left', 'right']): string[] {
  const names = Object.keys(flows);
  const rows = names.slice(0, listed).flatMap((name) => {
    const { left: toLeft, right: toRight } = flows[name]!;
    const title = name === '' ? '(no type)' : printable(name);
    return [row(title, `to ${right}`, toRight), row(title, `to ${left}`, toLeft)];
  });
  if (rows.length === 0) return [];
  const cells = [['', '', 'read', 'written', 'skipped', 'conflicting', 'quarantined'], ...rows];
  const widths = cells[0]!.map((_, i) => Math.max(...cells.map((each) => columnsOf(each[i]!))));
  const lines = cells.map((each, at) => {
    const text = each.map((cell, i) => (i < 2 ? cell + ' '.repeat(widths[i]! - columnsOf(cell)) : ' '.repeat(widths[i]! - columnsOf(cell)) + cell)).join('  ').trimEnd();
    return at === 0 ? paint('bold', text) : text;
  });
  return names.length > listed ? [...lines, `and ${count(names.length - listed)} more types`] : lines;
}

function row(name: string, way: string, { read, written, skipped, conflicting, quarantined }: Flow): readonly string[] {
  return [name, printable(way), count(read), count(written), count(skipped), count(conflicting), count(quarantined)];
}
