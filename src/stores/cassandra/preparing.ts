import type { Collection, Field } from '../../model/collection.ts';
import { SyncError } from '../../model/errors.ts';
import { keyed } from '../records/keyed.ts';
import { cqlFor } from './cql-type.ts';
import type { Session } from './session.ts';
import { jsonComment, quoted } from './tables.ts';
import type { TableRules } from './tables.ts';

/**
 * The statement that makes a table as like a collection as there can be. All of its key is the key of the partition, so that no
 * partition grows. `asVersions`: every version is to be a row. Throws `unsupported` where its key cannot be one.
 */
export function createTable(collection: Collection, { keyspace, modified }: TableRules, asVersions: boolean, store: string): string {
  const { name, fields, key: names } = keyed(collection);
  if (name.length > 222 || !/^\w+$/.test(name)) throw new SyncError('unsupported', `${store} cannot have a table ${name}: names are made of letters, digits and underscores, 222 at most`, { store, hint: 'rename the collection' });
  const versioned = asVersions && modified !== undefined && !names.includes(modified);
  const columns = fields.map((field) => ({ name: field.name, ...typeFor(field, { modified, versioned }) }));
  for (const part of names) {
    const column = columns.find((one) => one.name === part);
    if (!column || column.json || column.cql.includes('<') || column.cql === 'duration') throw new SyncError('unsupported', `${store} cannot have a table ${name}: ${part} cannot be part of its key`, { store, hint: 'choose another key, or leave the collection out' });
  }
  if (versioned && !columns.some((column) => column.name === modified)) columns.push({ name: modified, cql: 'timeuuid', json: false });
  const json = columns.filter((column) => column.json).map((column) => column.name);
  const partition = `(${names.map(quoted).join(', ')})`;
  const clauses = [
    ...(versioned ? [`CLUSTERING ORDER BY (${quoted(modified)} DESC)`] : []),
    ...(json.length > 0 ? [`comment = '${jsonComment(json).replaceAll("'", "''")}'`] : []),
  ];
  return `CREATE TABLE IF NOT EXISTS ${quoted(keyspace)}.${quoted(name)} (${columns.map((column) => `${quoted(column.name)} ${column.cql}`).join(', ')}, PRIMARY KEY (${partition}${versioned ? `, ${quoted(modified)}` : ''}))${clauses.length > 0 ? ` WITH ${clauses.join(' AND ')}` : ''}`;
}

function typeFor({ name, type }: Field, { modified, versioned }: { readonly modified: string | undefined; readonly versioned: boolean }): { readonly cql: string; readonly json: boolean } {
  if (name === modified && versioned) return { cql: 'timeuuid', json: false };
  // Times are compared at the coarser precision of two stores, so that a timestamp does.
  if (name === modified && (type.kind === 'instant' || type.kind === 'local')) return { cql: 'timestamp', json: false };
  return cqlFor(type);
}

/** Makes tables one after the other, which is how the server wants it. */
export async function makeTables(session: Session, statements: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  for (const cql of statements) await session.run({ cql, what: `make a table in ${session.name}`, signal });
}
