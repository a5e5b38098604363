import { hal } from '../../schema/hal.ts';
import type { StoreKind } from '../../model/kind.ts';
import type { Schema } from '../../schema/schema.ts';
import { simple } from '../../schema/simple.ts';
import { fileCapabilities, FileStore } from './file-store.ts';

/** Options of a file. */
export interface FileOptions {
  readonly schema?: Schema['name'];
  readonly missing?: 'refuse' | 'empty';
}

/** One file with many documents. */
export const kind: StoreKind<FileOptions> = {
  name: 'file',
  summary: 'one file that holds many resources or records: YAML documents, a JSON list, or a line of JSON each',
  endpoint: 'path/to/file.{yaml,yml,json,ndjson}',
  options: [
    { name: 'schema', summary: 'how resources name themselves and their parents', value: 'choice', choices: ['hal', 'simple'], default: 'hal' },
    { name: 'missing', summary: 'whether a file that does not exist is refused or empty', value: 'choice', choices: ['refuse', 'empty'], default: 'refuse' },
  ],
  capabilities: fileCapabilities,
  async open(endpoint, { schema = 'hal', missing = 'refuse' }, host) {
    return new FileStore(endpoint, host, { schema: schema === 'simple' ? simple : hal, missing });
  },
};
