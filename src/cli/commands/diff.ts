import type { Command, Invocation } from '../program/command.ts';
import { diffOptions, outputOptions, placeOptions } from '../options.ts';

/** The plan of a one-way run, printed. */
export const command: Command = {
  name: 'diff',
  summary: 'show what sync would do; exit 1 when there is something to do',
  usage: '[OPTIONS] ORIGIN... DESTINATION',
  args: [{ name: 'places', summary: 'where to read, and last of all what to compare with', kind: 'repeated' }],
  options: [...diffOptions, ...placeOptions, ...outputOptions],
  examples: [
    ['diff ./data https://staging.example.com', 'what a replay would change, line by line'],
    ['diff --summary --delete ./data ./other', 'only the keys, deletions included'],
    ['diff --report json ./data https://staging.example.com', 'counts for a program'],
  ],
  notes: ['Writes nothing. Exit code: 0 nothing to do, 1 something to do, other codes as everywhere.'],
  run: (invocation) => showDiff(invocation, { command: 'diff', differencesAreFine: false }),
};

/** Prints the plan of a one-way run, and what it comes to. */
export async function showDiff({ args, values, terminal }: Invocation, { command: name, differencesAreFine }: { readonly command: string; readonly differencesAreFine: boolean }): Promise<number> {
  const { splitPlaces } = await import('../pairing/places.ts');
  const { origins, target } = splitPlaces(args);
  const { withPairing } = await import('../pairing/pairing.ts');
  const { runDiff } = await import('../../engine/diff.ts');
  const { configurationOf } = await import('../timed/configuration.ts');
  const { settingAside } = await import('../pairing/set-aside.ts');
  const { finish } = await import('../program/finish.ts');
  const { showAction } = await import('../render/diff.ts');
  const { loadSchema } = await import('../../stores/open.ts');
  const schema = await loadSchema(values.schema ?? 'hal');
  const content = !values.summary && values.report === undefined && !values.quiet;
  return withPairing({ origins, target, values, terminal, convert: true }, async (pairing) => {
    const report = await runDiff(settingAside(pairing, configurationOf('sync', args, pairing, values), values), async (actions) => {
      for (const action of actions) {
        if (values.report === 'ndjson') {
          const line = showAction.asJson(action);
          if (line) terminal.out(`${JSON.stringify(line)}\n`);
        } else if (values.report === undefined && !values.quiet) terminal.out(await showAction.asText(action, { paint: terminal.paint, schema, content }));
      }
    }, { content });
    pairing.progress.stop();
    return finish(report, { command: name, pairing, values, terminal, planned: true, differencesAreFine, ...(!values.delete && { keptHint: 'only at the destination, which --delete would remove' }) });
  });
}
