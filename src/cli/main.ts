import { Command as Program, CommanderError } from 'commander';
import type { Command } from './program/command.ts';
import { commands } from './commands.ts';
import { exits } from './program/exit.ts';
import type { Values } from './options.ts';
import { describe, ignoreBrokenPipes, tame } from './program/program.ts';
import { version } from './program/version.ts';

const examples: readonly (readonly [string, string])[] = [
  ['sync https://example.com/api/foo ./data', 'capture'],
  ['sync ./data https://staging.example.com', 'replay'],
  ['diff ./data https://staging.example.com', 'what a replay would change'],
];

/** Runs one command line; the result is what the process exits with. */
async function main(given: readonly string[]): Promise<number> {
  ignoreBrokenPipes();
  if (given[0] === 'complete' && given[1] === '--') return answerCompletion(given.slice(2));
  const argv = given[0] === 'help' ? [...given.slice(1), '--help'] : given;
  const asked = given[0] === 'help' ? given[1] : undefined;
  const program = tame(new Program('syncline'), 'syncline');
  program.description('Keeps two places in step: REST APIs, YAML and JSON files, directories and streams.').usage('COMMAND [OPTIONS] [PLACES]');
  program.version(`syncline ${version}`, '--version', 'print the version').helpOption('-h, --help', 'say what there is; after a command, what it does');
  program.addHelpText('after', () => `\nExamples:\n${examples.map(([line, does]) => `  # ${does}\n  syncline ${line}\n`).join('')}\nsyncline COMMAND --help tells more about each, with examples.\nExit codes: 0 done, 1 differences or partial failure, 2 usage or bad input, 3 environment, 4 refused by a guard, 130 interrupted.\n`);
  program.helpCommand('help [COMMAND]', 'say what a command does');
  const wanted = argv.slice(0, argv.indexOf('--') < 0 ? undefined : argv.indexOf('--')).filter(isCommand);
  let called: { readonly command: Command; readonly args: readonly string[]; readonly values: Values } | undefined;
  for (const { name, summary, load } of commands) {
    const parser = tame(program.command(name), 'syncline').description(summary);
    // Only commands that the line may be about are loaded.
    if (!wanted.includes(name)) continue;
    const command = await load();
    const values = describe(parser.description(command.summary), command, 'syncline');
    parser.action(() => void (called = { command, args: parser.args, values }));
  }
  try {
    program.parse(asked === undefined || isCommand(asked) ? [...argv] : [asked], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exits.done : exits.usage;
  }
  return called ? runCommand(called) : exits.usage;
}

function isCommand(word: string): boolean {
  return commands.some(({ name }) => name === word);
}

async function runCommand({ command, args, values }: { readonly command: Command; readonly args: readonly string[]; readonly values: Values }): Promise<number> {
  const { Terminal } = await import('./program/terminal.ts');
  const terminal = new Terminal(values);
  try {
    return await command.run({ args, values, terminal });
  } catch (error) {
    const { giveUp } = await import('./program/errors.ts');
    return giveUp(error, { program: 'syncline', command: command.name, values, terminal });
  }
}

async function answerCompletion(words: readonly string[]): Promise<number> {
  const { complete } = await import('./program/complete.ts');
  process.stdout.write(await complete(words, commands, async (name) => commands.find((command) => command.name === name)?.load()));
  return exits.done;
}

process.exitCode = await main(process.argv.slice(2));
