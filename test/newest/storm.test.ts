// Many write to both of two places while they are kept in step by programs that are killed, through connections that are cut, by servers that crash.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withoutCassandra } from '../services/cassandra.ts';
import { withoutMariadb } from '../services/mariadb.ts';
import { withoutPostgres } from '../services/postgres.ts';
import { skipWithoutSearch } from '../services/search.ts';
import { storm } from './storm.ts';
import type { Stormed, StormOptions } from './storm.ts';
import { inMariadb } from './users-of-mariadb.ts';
import { inPostgres } from './users-of-postgres.ts';
import { inSqlite } from './users-of-sqlite.ts';
import { inStore } from './users-of-stores.ts';

/** `npm run storm` asks for more, of what it names. */
const asked = process.env['STORM_SECONDS'];
const seconds = Number(asked ?? 6);
const seed = Number(process.env['STORM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const names = process.env['STORM_NAMES']?.split(',');

interface Storm extends Pick<StormOptions, 'sides' | 'faults' | 'restarts'> {
  readonly skip: string | false;
  /** Whether it is a matter of a few seconds. */
  readonly quick: boolean;
  /** What has to have happened: where nothing did, nothing is proved. */
  readonly happens: readonly (keyof Stormed)[];
}

const always = ['transactions', 'killed', 'written'] as const;
const withoutSearch = await skipWithoutSearch('opensearch');
const storms: { readonly [name: string]: Storm } = {
  'postgres-sqlite': { sides: [inPostgres, inSqlite], skip: withoutPostgres.skip, quick: true, happens: [...always, 'late', 'broken', 'sentAway', 'carried'] },
  'postgres-postgres': { sides: [inPostgres, inPostgres], skip: withoutPostgres.skip, quick: false, happens: [...always, 'late', 'broken', 'sentAway', 'carried'] },
  'mariadb-sqlite': { sides: [inMariadb, inSqlite], skip: withoutMariadb.skip, quick: false, happens: [...always, 'late', 'broken', 'sentAway', 'carried'] },
  'postgres-mysql': { sides: [() => inStore('postgres'), () => inStore('mysql')], faults: true, restarts: 1, skip: withoutPostgres.skip || withoutMariadb.skip, quick: true, happens: [...always, 'carried', 'faults', 'restarts'] },
  'cassandra-mysql': { sides: [() => inStore('cassandra'), () => inStore('mysql')], faults: true, restarts: 2, skip: withoutCassandra.skip || withoutMariadb.skip, quick: false, happens: [...always, 'faults', 'carried', 'restarts'] },
  'cassandra-opensearch': { sides: [() => inStore('cassandra'), () => inStore('opensearch')], faults: true, restarts: 1, skip: withoutCassandra.skip || withoutSearch, quick: false, happens: [...always, 'faults', 'restarts'] },
};

describe('records that many write to', () => {
  for (const [name, { skip, quick, happens, ...options }] of Object.entries(storms)) {
    if (!(names?.includes(name) ?? (quick || asked !== undefined))) continue;
    test(`${name}: no version is lost, none comes twice, and nothing older replaces what is newer (seed ${seed})`, { skip }, async () => {
      const stormed = await storm({ seed, seconds, ...options });
      console.log(`${name}, seed ${seed}: ${JSON.stringify(stormed)}`);
      for (const what of happens) assert.ok(stormed[what] > 0, `${what}: ${stormed[what]}`);
    });
  }
});
