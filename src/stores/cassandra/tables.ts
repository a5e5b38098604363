import type { Collection, Field } from '../../model/collection.ts';
import type { TimeUnit } from '../records/instants.ts';
import { codecOf, jsonCodec } from './codec-of.ts';
import type { Codec } from './codec.ts';
import { fieldTypeOf, parseCqlType } from './cql-type.ts';
import type { CqlType } from './cql-type.ts';
import type { Row, Session } from './session.ts';

/** One column of a table. */
export interface Column {
  readonly name: string;
  /** Its name as CQL takes it. */
  readonly cql: string;
  readonly kind: 'partition_key' | 'clustering' | 'regular' | 'static';
  readonly type: CqlType;
  readonly codec: Codec;
  /** Whether it is text that holds JSON. */
  readonly json: boolean;
  readonly order: 'asc' | 'desc' | 'none';
}

/** A table, and how its rows are entries. */
export interface Table {
  readonly name: string;
  /** Its name as CQL takes it, keyspace included. */
  readonly cql: string;
  /** By name, which is the order of fields in documents. */
  readonly columns: readonly Column[];
  readonly partition: readonly Column[];
  readonly clustering: readonly Column[];
  /** The columns that make up the keys of entries. */
  readonly key: readonly Column[];
  /** The columns that are in no key. */
  readonly rest: readonly Column[];
  /** The column that tells when a row was modified. */
  readonly modified: Column | undefined;
  readonly modifiedUnit: TimeUnit | undefined;
  /** Whether every version of a record is a row of its own: the newest is the record. */
  readonly versioned: boolean;
  /** Whether rows can be found by the time they were modified. */
  readonly indexed: boolean;
  /** Counters take no values, only steps. */
  readonly counts: boolean;
}

/** What the options say about tables. */
export interface TableRules {
  readonly keyspace: string;
  readonly modified: string | undefined;
  readonly modifiedUnit: TimeUnit | undefined;
  /** `detect`: rows are versions where the column that tells the time is the last of their key, and a time UUID. */
  readonly versions: 'detect' | 'records' | 'rows';
  /** Names of columns that hold JSON, each alone or behind its table and a point. */
  readonly json: ReadonlySet<string>;
}

const commentPattern = /syncline json: (\[.*\])/;

/** The comment of a table that says which of its columns hold JSON. */
export function jsonComment(columns: readonly string[]): string {
  return `syncline json: ${JSON.stringify(columns)}`;
}

/** A name as CQL takes it, whatever it is. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The tables of a keyspace by name; `undefined` where there is no such keyspace. */
export async function readTables(session: Session, rules: TableRules): Promise<ReadonlyMap<string, Table> | undefined> {
  const { keyspace } = rules;
  const what = `read the schema of ${session.name}`;
  const select = async (columns: string, table: string): Promise<readonly Row[]> => {
    const rows: Row[] = [];
    let pageState: string | undefined;
    do {
      const page = await session.run({ cql: `SELECT ${columns} FROM system_schema.${table} WHERE keyspace_name = ?`, values: [keyspace], what, ...(pageState !== undefined && { pageState }) });
      rows.push(...page.rows as unknown as readonly Row[]);
      pageState = page.pageState ?? undefined;
    } while (pageState !== undefined);
    return rows;
  };
  const [keyspaces, tables, columns, types, indexes] = await Promise.all([
    select('keyspace_name', 'keyspaces'), select('table_name, comment', 'tables'), select('table_name, column_name, kind, position, type, clustering_order', 'columns'),
    select('type_name, field_names, field_types', 'types'), select('table_name, kind, options', 'indexes'),
  ]);
  if (keyspaces.length === 0) return undefined;
  const userTypes = new Map(types.map((row) => [String(row['type_name']), pairsOf(row['field_names'], row['field_types'])]));
  const indexed = new Set(indexes.filter(isRangeIndex).map((row) => `${String(row['table_name'])} ${(row['options'] as ReadonlyMap<string, string>).get('target')}`));
  const columnsOf = Map.groupBy(columns, (row) => String(row['table_name']));
  return new Map(tables.map((row): [string, Table] => {
    const name = String(row['table_name']);
    const json = jsonOf(name, String(row['comment'] ?? ''), rules);
    const own = (columnsOf.get(name) ?? []).map((column) => columnOf(column, json, rules, (type) => parseCqlType(type, userTypes)));
    return [name, tableOf(name, own, rules, indexed)];
  }));
}

function pairsOf(names: unknown, types: unknown): readonly (readonly [string, string])[] {
  return (names as readonly string[]).map((name, i) => [name, (types as readonly string[])[i]!]);
}

/** Whether an index finds what is greater or less than a value. The other ones the server has find equals only. */
function isRangeIndex(row: Row): boolean {
  return row['kind'] === 'CUSTOM' && /sai|StorageAttachedIndex/i.test((row['options'] as ReadonlyMap<string, string>).get('class_name') ?? '');
}

function jsonOf(table: string, comment: string, { json }: TableRules): (column: string) => boolean {
  const listed = new Set(listedIn(comment));
  return (column) => listed.has(column) || json.has(column) || json.has(`${table}.${column}`);
}

function listedIn(comment: string): readonly string[] {
  const [, list] = commentPattern.exec(comment) ?? [];
  try {
    const names: unknown = list === undefined ? [] : JSON.parse(list);
    return Array.isArray(names) ? names.map(String) : [];
  } catch {
    return [];
  }
}

function columnOf(row: Row, json: (column: string) => boolean, { modified }: TableRules, parse: (type: string) => CqlType): Column & { readonly position: number } {
  const name = String(row['column_name']);
  const type = parse(String(row['type']));
  const holdsJson = type.kind === 'native' && type.name === 'text' && row['kind'] !== 'partition_key' && row['kind'] !== 'clustering' && json(name);
  return {
    name, type,
    cql: quoted(name),
    kind: row['kind'] as Column['kind'],
    codec: holdsJson ? jsonCodec : codecOf(type, { coarse: name === modified }),
    json: holdsJson,
    order: row['clustering_order'] as Column['order'],
    position: Number(row['position']),
  };
}

function tableOf(name: string, own: readonly (Column & { readonly position: number })[], { keyspace, modified: field, modifiedUnit, versions }: TableRules, indexed: ReadonlySet<string>): Table {
  const of = (kind: Column['kind']): readonly Column[] => own.filter((column) => column.kind === kind).sort((a, b) => a.position - b.position);
  const [partition, clustering] = [of('partition_key'), of('clustering')];
  const modified = own.find((column) => column.name === field);
  const versioned = versions !== 'records' && modified !== undefined && modified === clustering.at(-1) && modified.type.kind === 'native' && modified.type.name === 'timeuuid';
  return {
    name,
    cql: `${quoted(keyspace)}.${quoted(name)}`,
    columns: own.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    partition, clustering, modified, modifiedUnit, versioned,
    key: [...partition, ...(versioned ? clustering.slice(0, -1) : clustering)],
    rest: [...of('static'), ...of('regular')],
    indexed: modified !== undefined && (indexed.has(`${name} ${modified.name}`) || indexed.has(`${name} ${modified.cql}`)),
    counts: own.some(({ type }) => type.kind === 'native' && type.name === 'counter'),
  };
}

/** A table in the words of every store of records. */
export function describeTable({ name, columns, key }: Table): Collection {
  return {
    name,
    fields: columns.map((column): Field => ({ name: column.name, type: column.json ? { kind: 'json' } : fieldTypeOf(column.type), nullable: column.kind === 'regular' || column.kind === 'static' })),
    key: key.map((column) => column.name),
  };
}
