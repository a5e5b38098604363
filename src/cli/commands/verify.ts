import type { Repaired } from '../../engine/repair.ts';
import type { Verification } from '../../engine/verify.ts';
import { SyncError } from '../../model/errors.ts';
import type { Command, Invocation } from '../program/command.ts';
import { outputOptions, placeOptions, verifyOptions } from '../options.ts';
import type { Values } from '../options.ts';

/** Proof that two places are equal. */
export const command: Command = {
  name: 'verify',
  summary: 'prove that two places hold the same; exit 1 and the keys that differ when not',
  usage: '[OPTIONS] A... B',
  args: [{ name: 'places', summary: 'the places to compare; the last one with all others together', kind: 'repeated' }],
  options: [...verifyOptions, ...placeOptions, ...outputOptions],
  examples: [
    ['verify ./data https://staging.example.com', 'whether a replay arrived'],
    ['verify --as blobs ./data ./backup', 'whether a copy is the same, byte for byte'],
    ['verify --from 2015-01-01 --until 2015-02-01 --modified updated ./a ./b', 'only what was modified in January 2015, on either side'],
    ['verify --repair ./data ./backup', 'write what differs to the last place, and read that again'],
  ],
  notes: [
    'Compares everything on both sides, by content. Without --repair it writes nothing.',
    'Two databases of one kind compare what they hold by digests that they make themselves, and only what differs is read.',
  ],
  run,
};

async function run({ args, values, terminal }: Invocation): Promise<number> {
  const { splitPlaces } = await import('../pairing/places.ts');
  const { origins, target } = splitPlaces(args);
  check(values);
  const { withPairing } = await import('../pairing/pairing.ts');
  const { runVerify } = await import('../../engine/verify.ts');
  const { runRepair } = await import('../../engine/repair.ts');
  const { finish } = await import('../program/finish.ts');
  const { exits, exitOf } = await import('../program/exit.ts');
  const { repairText, verificationText } = await import('../render/verification.ts');
  return withPairing({ origins, target, values, terminal }, async (pairing) => {
    const found: Verification & Partial<Repaired> = values.repair ? await runRepair(pairing.oneWay()) : await runVerify(pairing.oneWay());
    const { equal, differing, types, repaired, report } = found;
    pairing.progress.stop();
    const exitCode = equal ? exits.done : report.interrupted ? exitOf(report) : exits.differences;
    if (values.report !== undefined || report.interrupted) return finish(report, { command: 'verify', pairing, values, terminal, exitCode, extra: { equal, differing, differingTypes: types, ...(repaired && { repaired }) } });
    if (values.quiet) return exitCode;
    const style = { paint: terminal.resultPaint, byType: pairing.pair.holds === 'documents' };
    terminal.out(repaired ? repairText({ ...found, repaired }, style) : verificationText(found, style));
    return exitCode;
  });
}

function check({ repair, delete: removes, maxDeletes, from, until }: Values): void {
  if (!repair && (removes || maxDeletes !== undefined)) throw new SyncError('invalid', 'verify deletes nothing by itself', { hint: 'add --repair, or leave out --delete' });
  if (repair && (from !== undefined || until !== undefined)) throw new SyncError('invalid', '--repair looks at everything, and --from and --until at a range', { hint: 'leave out one or the other' });
}
