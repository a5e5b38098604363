import { SyncError } from '../../model/errors.ts';
import type { StoreKind } from '../../model/kind.ts';
import { hal } from '../../schema/hal.ts';
import type { Schema } from '../../schema/schema.ts';
import { simple } from '../../schema/simple.ts';
import { standardCapabilities, StandardStreams } from './standard-streams.ts';

/** How standard input is understood and standard output is written. */
export interface StdioOptions {
  readonly schema?: Schema['name'];
  readonly format?: 'yaml' | 'json';
}

/** `-`: documents from standard input, or to standard output. */
export const kind: StoreKind<StdioOptions> = {
  name: 'stdio',
  summary: 'documents from standard input (YAML, JSON or NDJSON, recognised) or to standard output',
  endpoint: '-',
  options: [
    { name: 'schema', summary: 'how documents name themselves and their parents', value: 'choice', choices: ['hal', 'simple'], default: 'hal' },
    { name: 'format', summary: 'what is written: YAML documents, or JSON, one to a line', value: 'choice', choices: ['yaml', 'json'], default: 'yaml' },
  ],
  capabilities: standardCapabilities,
  async open(_endpoint, { schema = 'hal', format = 'yaml' }, host) {
    if (!host.standard) throw new SyncError('unsupported', 'there is no standard input or output here', { hint: 'lend the streams through the host, or name a file' });
    return new StandardStreams(host.standard, schema === 'hal' ? hal : simple, format);
  },
};
