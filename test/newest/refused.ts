import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Store } from '../../src/model/store.ts';
import { openStore } from '../../src/stores/open.ts';
import { runCommand } from '../acceptance/command.ts';
import { merge } from './merging.ts';

const rows = 300;
const text = (): string => randomBytes(4_000).toString('hex');
const at = (day: number): string => `2015-01-${String(day).padStart(2, '0')}T00:00:00Z`;

/** A place with a table `things`, of which some records are newer than what is to come, and some older. */
export interface Place {
  readonly endpoint: string;
  /** What the run that finds no room says. */
  readonly says: RegExp;
  /** Takes the room away, and gives it back. */
  narrow(): Promise<void>;
  widen(): Promise<void>;
}

/** Fills a place until it refuses, sees that nothing is lost or older than it was, and fills it when there is room. */
export async function refused({ endpoint, says, narrow, widen }: Place, folder: string): Promise<void> {
  const source = new DatabaseSync(join(folder, 'source.sqlite'));
  source.exec('create table things (id integer primary key, at instant_text(0) not null, value text); begin');
  for (let id = 0; id < rows; id++) source.prepare('insert into things values (?, ?, ?)').run(id, at(5), text());
  source.exec('commit');
  const held = async (): Promise<ReadonlyMap<string, { readonly time: number; readonly value: string }>> => {
    const found = new Map<string, { readonly time: number; readonly value: string }>();
    await using store = await openStore(endpoint, { missing: 'empty', modified: 'at' }) as Store;
    for await (const { entries } of store.scan({ want: 'content' })) for (const { key, modifiedAt = 0, content } of entries) found.set(key, { time: modifiedAt / 1e3, value: content?.kind === 'document' ? String(content.document['value']) : '' });
    return found;
  };
  await using store = await openStore(endpoint, { missing: 'empty', modified: 'at' }) as Store;
  await store.prepare!([{ name: 'things', key: ['id'], fields: [{ name: 'id', type: { kind: 'integer', bits: 32 }, nullable: false }, { name: 'at', type: { kind: 'instant', precision: 1_000 }, nullable: true }, { name: 'value', type: { kind: 'text' }, nullable: true }] }]);
  for (let id = 0; id < 10; id++) {
    const [outcome] = await store.write([{ kind: 'put', entry: { key: `things/${id}`, content: { kind: 'document', document: { id, at: at(id % 2 === 0 ? 9 : 1), value: 'theirs' } } } }]);
    assert.equal(outcome?.kind, 'done', outcome?.kind === 'failed' ? outcome.error.sentence : '');
  }
  const before = await held();
  await narrow();
  const pair = { left: `sqlite:${join(folder, 'source.sqlite')}`, right: endpoint, folder };
  const failed = await merge(pair);
  assert.deepEqual([failed.code === 0, says.test(failed.said)], [false, true], `${failed.code} ${failed.said}`);
  assert.doesNotMatch(failed.said, /^\s+at /m, 'it is a sentence');
  const { stdout } = await runCommand('syncline', ['state', '--report', 'json'], { cwd: folder });
  assert.deepEqual(JSON.parse(stdout), [], 'where to go on has not moved');
  await widen();
  for (const [key, { time, value }] of await held()) {
    const was = before.get(key);
    assert.ok(was === undefined || time >= was.time, `${key} is not older than it was`);
    assert.ok(time === Date.parse(at(5)) || (was?.time === time && was.value === value), `${key} is whole`);
  }
  const { code, said } = await merge(pair);
  assert.equal(code, 0, said);
  const now = await held();
  const wanted = new Map(source.prepare('select id, at, value from things').all().map((row) => [`things/${String(row['id'])}`, { time: Date.parse(String(row['at'])), value: String(row['value']) }]));
  assert.deepEqual(now, wanted);
  assert.deepEqual([now.size, now.get('things/0')?.value, now.get('things/1')?.value === 'theirs'], [rows, 'theirs', false]);
  source.close();
}

/** Runs a test in a folder that is gone afterwards. */
export async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-room-'));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
