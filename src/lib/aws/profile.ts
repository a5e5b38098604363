import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseIni } from './ini.ts';
import type { Sections } from './ini.ts';

/** What the environment and the shared files say of a profile. */
export interface Profile {
  readonly name: string;
  /** Whether either file has it. */
  readonly known: boolean;
  /** Settings by name; what the credentials file says goes before what the configuration says. */
  readonly settings: ReadonlyMap<string, string>;
}

/** The environment as a host lends it. */
export interface Environment {
  readonly [name: string]: string | undefined;
}

/** Reads a profile: the one named, else the one that `AWS_PROFILE` names, else `default`. */
export function readProfile(environment: Environment, name: string | undefined = environment['AWS_PROFILE']): Profile {
  const home = environment['HOME'] ?? environment['USERPROFILE'];
  const file = (variable: string, usual: string): Sections => {
    const path = environment[variable] ?? (home === undefined ? undefined : join(home, '.aws', usual));
    return path === undefined ? new Map() : readSections(path);
  };
  const chosen = name === undefined || name === '' ? 'default' : name;
  const config = file('AWS_CONFIG_FILE', 'config').get(chosen);
  const credentials = file('AWS_SHARED_CREDENTIALS_FILE', 'credentials').get(chosen);
  return { name: chosen, known: config !== undefined || credentials !== undefined, settings: new Map([...config ?? [], ...credentials ?? []]) };
}

function readSections(path: string): Sections {
  try {
    return parseIni(readFileSync(path, 'utf8'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT' || (cause as NodeJS.ErrnoException).code === 'ENOTDIR') return new Map();
    throw cause;
  }
}
