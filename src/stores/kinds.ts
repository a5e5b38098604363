import type { StoreKind } from '../model/kind.ts';

/** The kinds of place there are, by name. */
export type KindName =
  | 'rest' | 'file' | 'tree' | 's3' | 'swift' | 'sftp'
  | 'sqlite' | 'postgres' | 'mysql' | 'cassandra' | 'elasticsearch' | 'opensearch'
  | 'stdio' | 'null' | 'memory';

/** How each kind is written and loaded. Nothing of a kind is loaded before its name is used. */
export const kinds: { readonly [name in KindName]: () => Promise<StoreKind> } = {
  rest: async () => (await import('./rest/kind.ts')).kind as StoreKind,
  tree: async () => (await import('./tree/kind.ts')).kind as StoreKind,
  file: async () => (await import('./file/kind.ts')).kind as StoreKind,
  s3: async () => (await import('./s3/kind.ts')).kind as StoreKind,
  swift: async () => (await import('./swift/kind.ts')).kind as StoreKind,
  sftp: async () => (await import('./sftp/kind.ts')).kind as StoreKind,
  sqlite: async () => (await import('./sql/sqlite/kind.ts')).kind as StoreKind,
  postgres: async () => (await import('./sql/postgres/kind.ts')).kind as StoreKind,
  mysql: async () => (await import('./sql/mysql/kind.ts')).kind as StoreKind,
  elasticsearch: async () => (await import('./elastic/kind.ts')).elasticsearch as StoreKind,
  opensearch: async () => (await import('./elastic/kind.ts')).opensearch as StoreKind,
  cassandra: async () => (await import('./cassandra/kind.ts')).kind as StoreKind,
  stdio: async () => (await import('./stdio/kind.ts')).kind as StoreKind,
  null: async () => (await import('./null/kind.ts')).kind as StoreKind,
  memory: async () => (await import('./memory/kind.ts')).kind as StoreKind,
};

/** Whether `name` names a kind of place. */
export function isKindName(name: string): name is KindName {
  return Object.hasOwn(kinds, name);
}
