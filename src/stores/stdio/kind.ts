import { SyncError } from '../../model/errors.ts';
import type { StoreKind } from '../../model/kind.ts';
import { hal } from '../../schema/hal.ts';
import type { Schema } from '../../schema/schema.ts';
import { simple } from '../../schema/simple.ts';
import { standardCapabilities, StandardStreams } from './standard-streams.ts';

/** Options of the standard streams. */
export interface StandardStreamsOptions {
  readonly schema?: Schema['name'];
  readonly format?: 'yaml' | 'json';
}

/** Standard input as a source, standard output as a target. */
export const kind: StoreKind<StandardStreamsOptions> = {
  name: 'stdio',
  summary: 'standard input (YAML, JSON or a line of JSON each) and standard output',
  endpoint: '-',
  options: [
    { name: 'schema', summary: 'how resources name themselves and their parents', value: 'choice', choices: ['hal', 'simple'], default: 'hal' },
    { name: 'format', summary: 'what is written: YAML documents, or a line of JSON each', value: 'choice', choices: ['yaml', 'json'], default: 'yaml' },
  ],
  capabilities: standardCapabilities,
  async open(_endpoint, { schema = 'hal', format = 'yaml' }, { standard }) {
    if (!standard) throw new SyncError('unsupported', 'there is no standard input and output here', { hint: 'lend them in host.standard, or name a file' });
    return new StandardStreams(standard, schema === 'simple' ? simple : hal, format);
  },
};
