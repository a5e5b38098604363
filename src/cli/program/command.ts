import type { OptionSpec, Values } from '../options.ts';
import type { Terminal } from './terminal.ts';

/** One positional argument of a command. */
export interface ArgumentSpec {
  readonly name: string;
  readonly summary: string;
  readonly kind: 'required' | 'optional' | 'repeated';
  /** What completion offers. Absent: endpoints, which is to say files. */
  readonly choices?: readonly string[];
  /** The same where it has to be looked for, given the words after the command. */
  readonly offer?: (words: readonly string[]) => Promise<readonly string[]>;
}

/** One command, as data. Its module loads nothing heavy: what `run` needs, `run` imports. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** What comes after the name in the usage line. */
  readonly usage: string;
  readonly args: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  /** Command lines without the program's name, and what each does. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  readonly notes?: readonly string[];
  /** Does it; the result is what the process exits with. */
  run(invocation: Invocation): Promise<number>;
}

/** What a command was called with. */
export interface Invocation {
  readonly args: readonly string[];
  readonly values: Values;
  readonly terminal: Terminal;
}
