// Many write to both of two databases while they are kept in step by programs that are killed.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withoutPostgres } from '../services/postgres.ts';
import { storm } from './storm.ts';

const seed = Number(process.env['STORM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const seconds = Number(process.env['STORM_SECONDS'] ?? 8);
const others = (process.env['STORM_OTHER'] ?? 'sqlite').split(',') as ('sqlite' | 'postgres')[];

describe('records that many write to', withoutPostgres, () => {
  for (const other of others) {
    test(`PostgreSQL and ${other}: no version is lost, none comes twice, and nothing older replaces what is newer (seed ${seed})`, async () => {
      const stormed = await storm({ seed, seconds, other });
      console.log(`${other}, seed ${seed}: ${JSON.stringify(stormed)}`);
      // Where nothing happened, nothing is proved.
      for (const [what, count] of Object.entries(stormed)) assert.ok(count > 0, `${what}: ${count}`);
    });
  }
});
