import type { Random } from '../../src/testing/random.ts';
import type { Past, Version } from './stamps.ts';

/** How many records are written again and again, and how late a version may become visible. */
export const records = { count: 60, mostHeldMs: 1_500, overlapMs: 5_000 } as const;

/** What came to pass. */
export interface Tally {
  /** Transactions that ended as they were meant to. */
  transactions: number;
  /** Those that became visible long after they were stamped. */
  late: number;
  /** Those that came to no end. */
  broken: number;
  /** Connections that the server was told to end. */
  sentAway: number;
}

/** What a user of a database is lent. */
export interface Use {
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly tally: Tally;
  /** Has new versions of a few records written. What took so long that no run need find it is written once more. */
  readonly put: (write: (stamps: readonly number[], ids: readonly number[]) => Promise<void>) => Promise<void>;
}

/** A database with two tables of records, which somebody writes to behind the back of everybody. */
export interface Base extends AsyncDisposable {
  readonly endpoint: string;
  /** Where its server listens, and the endpoint by way of another port: for what is put in between. */
  readonly port?: number;
  endpointAt?(port: number): string;
  /** How many write at once. */
  readonly users: number;
  /** Every version that users are known to have written. */
  logged(): Promise<readonly Version[]>;
  /** Versions of which nobody knows whether they were written. */
  doubtful?(): readonly Version[];
  /** What the tables hold. */
  held(): Promise<readonly (Version & { readonly value: string })[]>;
  /** What became of the watched table, in order. `who`: by whom, where the database knows. */
  history(): Promise<readonly (Past & { readonly who?: string })[]>;
  /** Writes until the signal fires. */
  use(use: Use): Promise<void>;
  /** Disturbs those who write, where the database can. */
  harass?(use: Omit<Use, 'put'>): Promise<void>;
  /** Ends the server in the middle of what it does, and starts it again. */
  restart?(): Promise<void>;
}
