import { DatabaseSync } from 'node:sqlite';
import { Bench } from './command.ts';
import type { Ended } from './command.ts';

/** Two databases with a table of the same columns, of which the right one takes no `v` of 100 or more. */
export class TwoTables implements Disposable {
  readonly bench: Bench = new Bench();

  /** `columns`: those between the `id` and `v`. `rows`: what the left one holds. */
  constructor(columns: readonly string[], rows: readonly string[] = []) {
    const before = ['id integer primary key', ...columns].join(', ');
    this.sql('a.db', `create table t (${before}, v integer)`, ...rows.map((row) => `insert into t values (${row})`));
    this.sql('b.db', `create table t (${before}, v integer check (v < 100))`);
  }

  sql(file: string, ...statements: readonly string[]): void {
    using database = new DatabaseSync(this.bench.at(file));
    for (const statement of statements) database.exec(statement);
  }

  ids(file: string): readonly unknown[] {
    using database = new DatabaseSync(this.bench.at(file));
    return database.prepare('select id from t order by id').all().map(({ id }) => id);
  }

  /** Runs a command on both. */
  run(...args: readonly string[]): Promise<Ended> {
    return this.bench.syncline([...args, 'sqlite:a.db', 'sqlite:b.db']);
  }

  [Symbol.dispose](): void {
    this.bench[Symbol.dispose]();
  }
}
