import type { Command } from './command.ts';
import type { OptionSpec } from '../options.ts';

/** What a completion script is told to do with the answer: nothing but offer it, or offer files as well. */
const directives = { words: 4, files: 0 } as const;

/**
 * The answer to a completion script: one line for each way the last of `words` can go on, with its meaning after a
 * tab, and a directive as the last line. Places are files as far as the shell knows, so it is left to find those.
 */
export async function complete(words: readonly string[], names: readonly { readonly name: string; readonly summary: string }[], load: (name: string) => Promise<Command | undefined>): Promise<string> {
  const begun = words.at(-1) ?? '';
  const [name, ...given] = words.slice(0, -1);
  if (name === undefined) return answer(begun, [...names.map(({ name: word, summary }) => [word, summary] as const), ...(begun.startsWith('-') ? globals : [])], 'words');
  const command = await load(name);
  if (!command) return answer(begun, [], 'words');
  const open = given.at(-1);
  const wanting = open?.startsWith('-') ? optionNamed(command, open) : undefined;
  if (wanting?.value !== undefined) return answer(begun, (wanting.choices ?? []).map((choice) => [choice, ''] as const), takesFile(wanting) ? 'files' : 'words');
  if (begun.startsWith('--') && begun.includes('=')) return answer(begun, inlineValues(command, begun), 'words');
  if (begun.startsWith('-')) return answer(begun, [...command.options.flatMap(spellings), ['--help', 'say what this command does']], 'words');
  const position = command.args[Math.min(given.filter((word) => !word.startsWith('-')).length, command.args.length - 1)];
  const choices = position?.offer ? await position.offer(given) : position?.choices;
  return choices ? answer(begun, choices.map((choice) => [choice, ''] as const), 'words') : answer(begun, [], 'files');
}

const globals: readonly (readonly [string, string])[] = [['--help', 'say what there is'], ['--version', 'print the version']];

function answer(begun: string, candidates: readonly (readonly [string, string])[], then: keyof typeof directives): string {
  const lines = candidates.filter(([word]) => word.startsWith(begun)).map(([word, meaning]) => `${word}\t${meaning}`);
  return [...lines, `:${directives[then]}`, ''].join('\n');
}

function spellings({ name, short, summary }: OptionSpec): readonly (readonly [string, string])[] {
  return [[`--${name}`, summary], ...(short === undefined ? [] : [[`-${short}`, summary] as const])];
}

function inlineValues(command: Command, begun: string): readonly (readonly [string, string])[] {
  const name = begun.slice(0, begun.indexOf('='));
  return (optionNamed(command, name)?.choices ?? []).map((choice) => [`${name}=${choice}`, ''] as const);
}

function optionNamed({ options }: Command, word: string): OptionSpec | undefined {
  return options.find(({ name, short }) => word === `--${name}` || word === `-${short}`);
}

function takesFile({ name }: OptionSpec): boolean {
  return name === 'state' || name === 'config' || name === 'netrc-file' || name === 'rules' || name === 'files-from';
}
