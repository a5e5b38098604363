import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readYaml } from '../../src/formats/yaml-read.ts';
import { writeYaml } from '../../src/formats/yaml-write.ts';
import type { Document } from '../../src/model/document.ts';
import { instantText } from '../../src/stores/records/instants.ts';
import { Folder, runCommand } from './command.ts';
import type { Ended } from './command.ts';

/** Two places of records in one folder, called `a` and `b`, and `synced` between them. */
export class Places extends Folder {
  constructor() {
    super();
    for (const side of ['a', 'b']) mkdirSync(join(this.path, side));
  }

  /** Writes a record behind the back of everybody. */
  put(side: string, table: string, record: Document): void {
    const file = join(this.path, side, table, `${String(record['id'])}.yaml`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, writeYaml(record));
  }

  /** Every record of one side, by table and id. */
  records(side: string): { readonly [key: string]: Document } {
    return Object.fromEntries(this.files(side).map((path) => [path.replace(/\.yaml$/, ''), readYaml(this.read(join(side, path)), path) as Document]));
  }

  /** Keeps `a` and `b`, or another place, in step. */
  synced(args: readonly string[] = [], { to = './b' }: { readonly to?: string } = {}): Promise<Ended> {
    return runCommand('synced', ['-k', 'app', '-i', 'app', ...args], { cwd: this.path, environment: { SYNCED_CASSANDRA: './a', SYNCED_ELASTICSEARCH: to } });
  }

  syncline(args: readonly string[]): Promise<Ended> {
    return runCommand('syncline', args, { cwd: this.path });
  }

  /** Until when the pairs that are remembered are in step, in seconds, by their names. */
  async until(): Promise<{ readonly [name: string]: number }> {
    const { stdout } = await this.syncline(['state', '--report', 'json']);
    return Object.fromEntries((JSON.parse(stdout) as readonly { readonly name: string; readonly until: string }[]).map(({ name, until }) => [name, Date.parse(until) / 1000]));
  }
}

/** So many seconds from now, as records have it. */
export function fromNow(seconds: number): string {
  return instantText(Math.round((Date.now() / 1000 + seconds) * 1e6));
}
