// A real PostgreSQL server for the tests of one process.
import { after } from 'node:test';
import { missingPrograms } from './packages.ts';
import { postgresFolders, startPostgres } from './postgres-server.ts';
import type { Postgres } from './postgres-server.ts';
import { failWhereRequired } from './required.ts';

const missing = await missingPrograms(['initdb', 'postgres'], ['postgresql'], postgresFolders);

/** Why there is no server on this machine; false where there is one. For the `skip` of a test. */
export const withoutPostgres: { readonly skip: string | false } = { skip: missing ?? false };
if (missing !== undefined) console.error(`PostgreSQL cannot be run: ${missing}`);
failWhereRequired('PostgreSQL', missing);

let running: Promise<Postgres> | undefined;
after(async () => await (await running?.catch(() => undefined))?.stop());

/** The server of this process, started when first asked for, and ended with the tests. */
export function postgres(): Promise<Postgres> {
  return (running ??= startPostgres());
}
