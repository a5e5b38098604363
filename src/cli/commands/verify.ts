import type { Command, Invocation } from '../command.ts';
import { outputOptions, placeOptions } from '../options.ts';

/** Proof that two places are equal. */
export const command: Command = {
  name: 'verify',
  summary: 'prove that two places hold the same; exit 1 and the keys that differ when not',
  usage: '[OPTIONS] A... B',
  args: [{ name: 'places', summary: 'the places to compare; the last one with all others together', kind: 'repeated' }],
  options: [...placeOptions, ...outputOptions],
  examples: [
    ['verify ./data https://staging.example.com', 'whether a replay arrived'],
    ['verify --as blobs ./data ./backup', 'whether a copy is the same, byte for byte'],
  ],
  notes: ['Reads everything on both sides, and writes nothing.'],
  run,
};

const marks = { missing: ['+', 'only in the first place', 'green'], extra: ['-', 'only in the last place', 'red'], differs: ['~', 'differs', 'yellow'] } as const;

async function run({ args, values, terminal }: Invocation): Promise<number> {
  const { splitPlaces } = await import('../places.ts');
  const { origins, target } = splitPlaces(args);
  const { withPairing } = await import('../pairing.ts');
  const { runVerify } = await import('../../engine/verify.ts');
  const { finish } = await import('../finish.ts');
  const { exits, exitOf } = await import('../exit.ts');
  const { count, counted, printable } = await import('../render/style.ts');
  return withPairing({ origins, target, values, terminal }, async (pairing) => {
    const { equal, differing, report } = await runVerify(pairing.oneWay());
    pairing.progress.stop();
    const exitCode = equal ? exits.done : report.interrupted ? exitOf(report) : exits.differences;
    if (values.report !== undefined || report.interrupted || !report.complete) return finish(report, { command: 'verify', pairing, values, terminal, exitCode, extra: { equal, differing } });
    const paint = terminal.resultPaint;
    if (values.quiet) return exitCode;
    for (const { key, kind } of differing) {
      const [mark, words, color] = marks[kind];
      terminal.out(`${paint(color, `${mark} ${printable(key)}`)} ${words}\n`);
    }
    if (report.differences > differing.length) terminal.out(`and ${counted(report.differences - differing.length, 'more key')}\n`);
    terminal.out(equal ? `${paint('green', 'equal')}: ${counted(report.counts.unchanged, 'entry', 'entries')}\n` : `${paint('red', 'not equal')}: ${counted(report.differences, 'key differs', 'keys differ')}, ${count(report.counts.unchanged)} the same\n`);
    return exitCode;
  });
}
