import { Command as Program, CommanderError } from 'commander';
import type { Command } from './command.ts';
import { exits } from './exit.ts';
import type { Values } from '../options.ts';
import { describe, ignoreBrokenPipes, tame } from './program.ts';
import { Terminal } from './terminal.ts';

/** A program of another name and with flags of its own, on the engine of this one. */
export interface DropIn<Own extends Values, Places> extends Pick<Command, 'name' | 'usage' | 'args' | 'options' | 'examples' | 'notes'> {
  readonly description: string;
  /** How help is asked for, as the parser has it: `-h, --help`. */
  readonly helpFlags: string;
  /** The places that a command line names. What it throws is usage (exit 2), where all that goes wrong later is exit 1. */
  placesOf(values: Own, args: readonly string[], terminal: Terminal): Promise<Places>;
  /** Does what was asked; the result is what the process exits with. */
  run(places: Places, values: Own, terminal: Terminal): Promise<number>;
}

/** Runs one command line of a drop-in; the result is what the process exits with. */
export async function runDropIn<Own extends Values, Places>(argv: readonly string[], dropIn: DropIn<Own, Places>): Promise<number> {
  ignoreBrokenPipes();
  const { name } = dropIn;
  const parser = tame(new Program(name), name).description(dropIn.description).helpOption(dropIn.helpFlags, 'say what there is');
  // Its options are those of the drop-in, so that its values are.
  const values = describe(parser, dropIn, name) as Own;
  try {
    parser.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exits.done : exits.usage;
  }
  const terminal = new Terminal(values);
  let otherwise: number = exits.usage;
  try {
    const places = await dropIn.placesOf(values, parser.args, terminal);
    otherwise = exits.differences;
    return await dropIn.run(places, values, terminal);
  } catch (error) {
    const { giveUp } = await import('./errors.ts');
    const exitCode = await giveUp(error, { program: name, command: name, values, terminal });
    return exitCode === exits.interrupted ? exitCode : otherwise;
  }
}
