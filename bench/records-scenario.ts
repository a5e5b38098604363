import { join } from 'node:path';
import { root } from '../scripts/tool.ts';
import type { Command } from './measure.ts';

/** One program that brings a place in step with another. */
export interface RecordsProgram {
  readonly name: string;
  /** The steps it can take. Default: all. */
  readonly steps?: readonly string[];
  /** How many records it takes, where that is not all of them. */
  readonly records?: number;
  /** The command; what it remembers between the steps it keeps in `memory`, a folder of its own. */
  command(step: string, memory: string): Command;
}

/** Two places with records, on servers that run. */
export interface RecordsPlaces extends AsyncDisposable {
  readonly records: number;
  /** What is measured, in this order: each step begins with what the one before it has left. */
  readonly steps: readonly string[];
  /** What ours is to reach at a step, in words. */
  readonly goals: { readonly [step: string]: string };
  /** The first is ours, which is measured once more at the end: what differs between the two is noise. */
  readonly programs: readonly RecordsProgram[];
  /** Programs that are run once before anything is measured, so that the servers have done all that before. */
  readonly warmUp?: readonly RecordsProgram[];
  /** Programs that cannot be measured here, and why. */
  readonly missing: readonly { readonly name: string; readonly why: string }[];
  /** The versions of servers and programs. */
  readonly versions: { readonly [name: string]: string };
  /** Makes everything as it is before the first step. */
  reset(program: RecordsProgram): Promise<void>;
  /** What happens to the records before a step is measured. */
  before(step: string, program: RecordsProgram): Promise<void>;
  /** Throws where the target does not hold what the source does. No figure counts without. */
  check(step: string, program: RecordsProgram): Promise<void>;
  /** Processor time that the servers have used so far, where that can be told. */
  serverCpuMs?(): number;
}

/** What a scenario is given. */
export interface RecordsSetting {
  /** A folder that goes in the end. */
  readonly folder: string;
  readonly quick: boolean;
  /** How many records, where somebody said so. */
  readonly records: number | undefined;
}

/** A pair of places that is measured, by its name. The servers start when it is its turn, and end with it. */
export interface RecordsScenario {
  readonly name: string;
  open(setting: RecordsSetting): Promise<RecordsPlaces>;
}

/** Our command, which remembers in `memory`. */
export function synclineCommand(memory: string, ...parameters: readonly string[]): Command {
  return { line: [process.execPath, join(root, 'bin', 'syncline.js'), ...parameters], environment: { HOME: memory, XDG_STATE_HOME: memory } };
}
