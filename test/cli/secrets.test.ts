import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startExampleApi } from '../../examples/api/server.ts';
import { Bench } from './command.ts';
import type { Ended } from './command.ts';

const secret = 's3same-open';

test('no password, token or user in a URL appears in any output, file or report', async () => {
  using bench = new Bench();
  const resources = [{ type: 'line', id: 'T1', fields: { colour: 'red' } }];
  await using api = await startExampleApi({ resources, user: { name: 'ada', password: secret } });
  await using guarded = await startExampleApi({ resources, user: { token: secret } });
  const url = `${api.url}/api/line`;
  const withUser = url.replace('://', `://ada:${secret}@`);
  const wrong = url.replace('://', `://eve:${secret}-wrong@`);
  const token = { SYNCLINE_TOKEN: secret };
  const runs: readonly (() => Promise<Ended>)[] = [
    () => bench.syncline(['sync', '--verbose', withUser, 'out']),
    () => bench.syncline(['sync', '--debug', '--report', 'json', withUser, 'out']),
    () => bench.syncline(['sync', '--report', 'ndjson', '--verbose', 'out', withUser]),
    () => bench.syncline(['diff', '--debug', 'out', withUser]),
    () => bench.syncline(['sync', '--debug', '--max-attempts', '1', wrong, 'out2']),
    () => bench.syncline(['sync', '--debug', '--max-attempts', '1', `http://ada:${secret}@127.0.0.1:1/x?token=${secret}`, 'out2']),
    () => bench.syncline(['sync', '--debug', `ftp://ada:${secret}@h/`, 'out2']),
    () => bench.syncline(['sync', '--debug', `https://ada:${secret}@ho st/`, 'out2']),
    () => bench.syncline(['sync', '--debug', withUser, withUser]),
    () => bench.syncline([withUser]),
    () => bench.syncline(['sync', `--password=${secret}`, 'a', 'b']),
    () => bench.syncline(['stores', withUser]),
    () => bench.syncline(['sync', '--username', 'ada', '--verbose', url, 'out3'], { input: `${secret}\n` }),
    () => bench.syncline(['sync', '--verbose', '--debug', `${guarded.url}/api/line`, 'out4'], { environment: token }),
    () => bench.resourceSync(['-v', withUser, 'out5']),
    () => bench.resourceSync(['-v', wrong, 'out6']),
    () => bench.resourceSync(['-v', '--username', 'ada', url, 'out7'], { input: `${secret}\n` }),
    () => bench.resourceSync([withUser, withUser]),
    () => bench.resourceSync([`HTTP://ada:${secret}@h/`, 'out8']),
  ];
  const codes: (number | null)[] = [];
  for (const run of runs) {
    const { code, stdout, stderr } = await run();
    codes.push(code);
    assert.ok(!`${stdout}${stderr}`.includes(secret), `run ${codes.length} printed a secret:\n${stdout}${stderr}`);
  }
  assert.deepEqual([codes[0], codes[12], codes[13], codes[14], codes[16]], [0, 0, 0, 0, 0], 'a run that should have been let in was not');
  for (const entry of readdirSync(bench.path, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) assert.ok(!readFileSync(join(entry.parentPath, entry.name)).includes(secret), `${entry.name} holds a secret`);
  }
});
