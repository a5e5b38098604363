import { isDocument } from '../../model/document.ts';
import type { Document, Value } from '../../model/document.ts';
import type { Family } from './endpoint.ts';

/** All in which the two families of servers differ. */
export interface Dialect {
  /** Path and query that open a point in time of some indices. */
  pitPath(indices: string): string;
  /** The field of the answer that names the point in time. */
  readonly pitId: string;
  /** The request that gives it up. */
  closing(pit: string): { readonly path: string; readonly body: string };
  /** By what hits are sorted: the cheapest that is unique within a slice. */
  readonly sort: readonly Value[];
  /** Into how many slices an index of so many shards is read. */
  slices(shards: number): number;
}

const keepAlive = '15m';

const elasticsearch: Dialect = {
  pitPath: (indices) => `/${indices}/_pit?keep_alive=${keepAlive}`,
  pitId: 'id',
  closing: (id) => ({ path: '/_pit', body: JSON.stringify({ id }) }),
  sort: [{ _shard_doc: 'asc' }],
  slices: (shards) => Math.min(Math.max(2, shards), 8),
};

const opensearch: Dialect = {
  pitPath: (indices) => `/${indices}/_search/point_in_time?keep_alive=${keepAlive}`,
  pitId: 'pit_id',
  closing: (id) => ({ path: '/_search/point_in_time', body: JSON.stringify({ pit_id: [id] }) }),
  // The place in a shard as the point in time has it: unique there, and with as many slices as shards no slice has more than one.
  sort: [{ _doc: 'asc' }],
  slices: (shards) => shards,
};

/** How long a point in time is kept that nobody asks for more. */
export const pitKeepAlive: string = keepAlive;

/** The dialect of a family. */
export function dialectOf(family: Family): Dialect {
  return family === 'elasticsearch' ? elasticsearch : opensearch;
}

/** The family of a server by what it says of itself, whatever it was taken for. */
export function familyOf(about: Document, otherwise: Family): Family {
  const { version } = about;
  if (!isDocument(version)) return otherwise;
  return version['distribution'] === 'opensearch' ? 'opensearch' : 'elasticsearch';
}

