import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { SyncError } from '../../../model/errors.ts';
import type { OptionSpec, StoreKind } from '../../../model/kind.ts';
import { recordOptions } from '../../records/record-options.ts';
import type { RecordOptions } from '../../records/record-options.ts';
import { sqlCapabilities, SqlStore } from '../sql-store.ts';
import { SqliteDialect } from './dialect.ts';

export interface SqliteOptions extends RecordOptions {
  readonly missing?: 'refuse' | 'empty';
  readonly timeoutMs?: number;
}

const options: readonly OptionSpec[] = [
  ...recordOptions,
  { name: 'missing', summary: 'whether a file, or a table named in collections, that does not exist is refused or empty', value: 'choice', choices: ['refuse', 'empty'], default: 'refuse' },
  { name: 'timeoutMs', summary: 'milliseconds to wait for another program that writes to the file', value: 'number', default: 5_000 },
];

/** Tables in files of SQLite. */
export const kind: StoreKind<SqliteOptions> = {
  name: 'sqlite',
  summary: 'the tables of a SQLite file: every row is a document',
  endpoint: 'sqlite:path',
  options,
  capabilities: { ...sqlCapabilities, limits: { ...sqlCapabilities.limits, inFlight: 1, keyBytes: 4_096 } },
  open,
};

async function open(endpoint: string, given: SqliteOptions): Promise<SqlStore> {
  const path = endpoint.replace(/^sqlite:(?:\/\/)?/i, '').replaceAll(/%3F/gi, '?');
  if (path === '' || path === ':memory:') throw new SyncError('invalid', `${endpoint} does not name a file`, { hint: 'write sqlite:path' });
  const { missing = 'refuse', timeoutMs = 5_000, ...records } = given;
  return new SqlStore({
    name: `sqlite:${path}`,
    identity: `sqlite:${realPath(path)}`,
    dialect: new SqliteDialect({ path, missingIsEmpty: missing === 'empty', modified: records.modified, unit: records.modifiedUnit, timeoutMs }),
    records, missingIsEmpty: missing === 'empty',
  });
}

/** The path by which a file is known however it is named, also before it is there. */
function realPath(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync.native(absolute);
  } catch {
    return dirname(absolute) === absolute ? absolute : join(realPath(dirname(absolute)), basename(absolute));
  }
}
