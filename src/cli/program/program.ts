import { InvalidArgumentError, Option } from 'commander';
import type { Command as Program } from 'commander';
import { redact } from '../../lib/redact.ts';
import type { Command } from './command.ts';
import type { OptionSpec, Values } from '../options.ts';
import { painter } from '../render/style.ts';

/** Gives a parser the manners of this program: errors are one sentence, and it is for the caller to end the process. */
export function tame(program: Program, name: string): Program {
  const paint = painter(process.stdout.isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb');
  return program
    .exitOverride()
    .showHelpAfterError(false)
    .configureHelp({ styleTitle: (text) => paint('bold', text), helpWidth: Math.min(process.stdout.columns || 100, 100) })
    .configureOutput({ outputError: (text, write) => write(usageError(text, name)) });
}

/** A reader that goes away, as in `| head`, is no error. */
export function ignoreBrokenPipes(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

/** A usage error as one sentence that repeats no secret the command line may have held. */
function usageError(text: string, name: string): string {
  const [first = '', ...more] = redact(text).replace(/^error: /, '').replace(/(unknown option '--?[^='\s]+)=[^']*'/, "$1'").trimEnd().split('\n');
  const guess = /\(Did you mean (.+)\?\)/.exec(more.join(' '))?.[1];
  return `${name}: ${first}${guess === undefined ? '' : `; did you mean ${guess}?`} (see ${name} --help)\n`;
}

/**
 * Adds a command's arguments and options to its parser. The result fills while parsing: `--no-x` as `x: false`,
 * shorthands as what they mean; of two spellings of one option the last one on the command line wins.
 */
export function describe(parser: Program, { usage, args, options, examples, notes = [] }: Pick<Command, 'usage' | 'args' | 'options' | 'examples' | 'notes'>, program: string): Values {
  parser.usage(usage).allowExcessArguments(true);
  for (const { name, summary, kind } of args) parser.argument(kind === 'repeated' ? `[${name}...]` : `[${name}]`, summary);
  const values: Record<string, unknown> = {};
  for (const spec of options) {
    const option = optionOf(spec);
    const [key, value] = spec.means ?? [spec.sets ?? option.attributeName(), undefined];
    parser.addOption(option).on(`option:${option.name()}`, () => (values[key] = value ?? parser.getOptionValue(option.attributeName())));
  }
  parser.addHelpText('after', () => `\nExamples:\n${examples.map(([line, does]) => `  # ${does}\n  ${program} ${line}\n`).join('')}${notes.length > 0 ? `\n${notes.map((note) => `${note}\n`).join('')}` : ''}`);
  return values as Values;
}

function optionOf({ name, short, value, summary, group, choices, parse, repeats, conflicts }: OptionSpec): Option {
  const option = new Option(`${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` <${value}>`}`, summary).helpGroup(`${group}:`);
  if (choices) option.choices(choices);
  if (conflicts) option.conflicts([...conflicts]);
  if (repeats) option.argParser<readonly unknown[]>((text, before) => [...((before as readonly unknown[] | undefined) ?? []), parse ? parsed(parse, text) : text]);
  else if (parse) option.argParser((text: string) => parsed(parse, text));
  return option;
}

function parsed(parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`It ${error instanceof Error ? error.message : String(error)}.`);
  }
}

