import type { DatabaseSync } from 'node:sqlite';
import type { Side } from '../../core/policy.ts';
import type { Ref, Stat } from '../../model/entry.ts';
import type { FailureCode } from '../../model/errors.ts';
import type { Quarantine, QuarantineChange, Quarantined, QuarantineOf, Quarantines } from '../run/quarantine.ts';
import { inTransaction } from './sqlite-rows.ts';

/** The tables of quarantines. */
export const quarantineTables = `
  create table if not exists quarantines (id integer primary key, configuration text not null unique, name text not null);
  create table if not exists quarantined (
    quarantine integer not null references quarantines, side text not null, id text not null, ref text, action text not null, code text not null,
    sentence text not null, stat text, first integer not null, last integer not null, document text, primary key (quarantine, side, id)) without rowid;
  create index if not exists quarantined_last on quarantined (quarantine, last);`;

interface Row {
  readonly side: Side;
  readonly id: string;
  readonly ref: string | null;
  readonly action: Quarantined['action'];
  readonly code: FailureCode;
  readonly sentence: string;
  readonly stat: string | null;
  readonly first: number;
  readonly last: number;
  readonly document?: string | null;
}

const columns = 'side, q.id, ref, action, code, sentence, stat, first, last';

/** Quarantines in a table. */
export class SqliteQuarantines implements Quarantines {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  of(configuration: QuarantineOf): Quarantine {
    return new SqliteQuarantine(this.#database, configuration);
  }

  list(): readonly (QuarantineOf & { readonly records: number })[] {
    const rows = this.#database.prepare('select configuration, name, count(*) as records from quarantines join quarantined on quarantine = quarantines.id group by quarantines.id order by name, configuration').all();
    return rows.map((row) => ({ ...row }) as unknown as QuarantineOf & { readonly records: number });
  }
}

class SqliteQuarantine implements Quarantine {
  readonly #database: DatabaseSync;
  readonly #of: QuarantineOf;

  constructor(database: DatabaseSync, of: QuarantineOf) {
    this.#database = database;
    this.#of = of;
  }

  list(): readonly Quarantined[] {
    return this.#rows(`select ${columns} from quarantined q where quarantine = ? order by last, side, q.id`);
  }

  find(id: string): readonly Quarantined[] {
    return this.#rows(`select ${columns}, document from quarantined q where quarantine = ? and q.id = ? order by side`, id);
  }

  bytes(): number {
    const { bytes } = this.#database.prepare('select coalesce(sum(length(document)), 0) as bytes from quarantined where quarantine = ?').get(this.#id ?? -1) as { readonly bytes: number };
    return bytes;
  }

  change({ put = [], delete: gone = [], seen }: QuarantineChange): void {
    const { configuration, name } = this.#of;
    inTransaction(this.#database, () => {
      this.#database.prepare('insert into quarantines (configuration, name) values (?, ?) on conflict do update set name = excluded.name').run(configuration, name);
      const of = this.#id as number;
      const remove = this.#database.prepare('delete from quarantined where quarantine = ? and side = ? and id = ?');
      for (const { side, id } of gone) remove.run(of, side, id);
      const insert = this.#database.prepare('insert or replace into quarantined values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
      for (const { side, id, ref, action, code, sentence, stat, firstMs, lastMs, text } of put) {
        insert.run(of, side, id, ref ? JSON.stringify(ref) : null, action, code, sentence, stat ? JSON.stringify(stat) : null, Math.floor(firstMs), Math.floor(lastMs), text ?? null);
      }
      const touch = this.#database.prepare('update quarantined set last = ? where quarantine = ? and side = ? and id = ?');
      for (const { side, id } of seen?.records ?? []) touch.run(Math.floor(seen?.atMs ?? 0), of, side, id);
    });
  }

  get #id(): number | undefined {
    return (this.#database.prepare('select id from quarantines where configuration = ?').get(this.#of.configuration) as { readonly id: number } | undefined)?.id;
  }

  #rows(sql: string, ...more: readonly string[]): readonly Quarantined[] {
    const of = this.#id;
    return of === undefined ? [] : (this.#database.prepare(sql).all(of, ...more) as unknown as readonly Row[]).map(asRecord);
  }
}

function asRecord({ side, id, ref, action, code, sentence, stat, first, last, document }: Row): Quarantined {
  return {
    side, id, action, code, sentence, firstMs: first, lastMs: last,
    ...(ref !== null && { ref: JSON.parse(ref) as Ref }), ...(stat !== null && { stat: JSON.parse(stat) as Stat }), ...(document !== undefined && document !== null && { text: document }),
  };
}
