// The three jobs, end to end, with the real command: capture an API into files, edit one and replay it into a second,
// empty server; mirror a directory; keep a database and files in step. Every step is shown as you would type it, and checked.
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { styleText } from 'node:util';
import { ExampleApi } from './start-api.ts';

const folder = mkdtempSync(join(tmpdir(), 'syncline-demo-'));
const data = join(folder, 'data');
const command = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts');

try {
  say(`Everything below happens in ${folder}.`);
  await captureAndReplay();
  await mirror();
  await recordsInStep();
  say(`\n${styleText('green', 'Done.')} The files are still there: ${folder}`);
} catch (error) {
  console.error(`\nThe demonstration stopped: ${(error as Error).message}`);
  process.exitCode = 1;
}

async function captureAndReplay(): Promise<void> {
  job('First job: an API as files, and back');
  await using live = await ExampleApi.start({ seed: true });
  await using staging = await ExampleApi.start({ seed: false });

  say(`Two servers are running: ${live.url}, with data, and ${staging.url}, empty.`);

  step('Capture: one file for each resource');
  await syncline(0, 'sync', '--follow', 'all', `${live.url}/api`, 'data');
  const files = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.yaml')).toSorted();
  promise(files.length > 0, 'the capture wrote files');
  show(['data', ...tree(data, '')].join('\n'));

  const file = files.find((path) => /^name: /m.test(readFileSync(join(data, path), 'utf8'))) ?? files[0]!;
  const before = readFileSync(join(data, file), 'utf8');
  say(`\n${styleText('bold', `$ cat data/${file}`)}`);
  show(before);

  step('Capture again: nothing has changed, so nothing is touched');
  await syncline(0, 'sync', '--follow', 'all', `${live.url}/api`, 'data');

  step('Replay into the empty server: parents before their children');
  await syncline(0, 'sync', 'data', staging.url);

  step('Edit a file, and see what a replay would change (exit 1: there is something to do)');
  const after = before.replace(/^(name: .*?)(['"]?)$/m, '$1, edited$2');
  promise(after !== before, `data/${file} has a name to edit`);
  writeFileSync(join(data, file), after);
  say(styleText('bold', `$ sed -i 's/^name: .*/&, edited/' data/${file}`));
  promise((await syncline(1, 'diff', 'data', staging.url)).includes('edited'), 'the difference shows the edit');

  step('Replay: only what differs');
  promise((await syncline(0, 'sync', 'data', staging.url)).includes('1 change'), 'one resource was updated');

  step('Replay again: nothing is written');
  const again = await report('sync', 'data', staging.url);
  promise(again.created + again.updated + again.deleted === 0, 'the second replay writes nothing');
  say(`${again.unchanged} unchanged, nothing written`);

  step('Proof that files and server are equal');
  await syncline(0, 'verify', 'data', staging.url);

  say(`\n${files.length} resources went from ${live.url} to ${data} and on to ${staging.url}, with one edit on the way.`);
}

async function mirror(): Promise<void> {
  job('Second job: a directory as another one is (or a bucket, or a directory on a server)');
  cpSync(join(import.meta.dirname, '..', 'docs'), join(folder, 'site'), { recursive: true });

  step('Copy what is missing');
  await syncline(0, 'sync', 'site', 'mirror');

  step('Edit one file and remove another: what --delete would do');
  const [edited, gone] = ['benchmarks.md', join('guides', 'write-an-actor.md')];
  writeFileSync(join(folder, 'site', edited), 'another text\n');
  rmSync(join(folder, 'site', gone));
  promise((await syncline(0, 'sync', 'site', 'mirror', '--delete', '--dry-run')).includes('delete'), 'the plan shows the deletion');

  step('Do it, and prove it');
  await syncline(0, 'sync', 'site', 'mirror', '--delete');
  await syncline(0, 'verify', 'site', 'mirror');
}

async function recordsInStep(): Promise<void> {
  job('Third job: the same records in two systems that are both written to');
  const database = new DatabaseSync(join(folder, 'shop.db'));
  database.exec("create table orders (id integer primary key, state text, updated text); insert into orders values (1, 'open', '2026-01-10T00:00:00Z'), (2, 'open', '2026-01-11T00:00:00Z')");
  const inStep = ['merge', '--newest', '--modified', 'updated', 'sqlite:shop.db', 'shop'] as const;

  step('A table as files');
  await syncline(0, ...inStep);
  show(readFileSync(join(folder, 'shop', 'orders', '1.yaml'), 'utf8'));

  step('A change on either side: the newest version of each record wins on both');
  const now = new Date().toISOString();
  database.exec(`update orders set state = 'paid', updated = '${now}' where id = 1`);
  writeFileSync(join(folder, 'shop', 'orders', '2.yaml'), `id: 2\nstate: sent\nupdated: ${now}\n`);
  await syncline(0, ...inStep);
  const states = database.prepare('select state from orders order by id').all().map(({ state }) => state);
  promise(states.join() === 'paid,sent', 'the table holds both changes');

  step('A record that says no time is set aside, and holds nothing else back (exit 1)');
  writeFileSync(join(folder, 'shop', 'orders', '3.yaml'), 'id: 3\nstate: open\n');
  await syncline(1, ...inStep);
  await syncline(0, 'quarantine');
  database.close();
}

function say(text: string): void {
  console.log(text);
}

function job(title: string): void {
  say(`\n${styleText(['bold', 'magenta'], title)}`);
}

function step(title: string): void {
  say(`\n${styleText(['bold', 'cyan'], title)}`);
}

function show(text: string): void {
  say(text.trimEnd().replace(/^/gm, '    '));
}

/** Stops the demonstration when something is not as it was said to be. */
function promise(kept: boolean, what: string): void {
  if (!kept) throw new Error(`it is not so that ${what}`);
}

async function syncline(exit: number, ...args: readonly string[]): Promise<string> {
  say(styleText('bold', `$ syncline ${args.join(' ')}`));
  const { code, output } = await run(args);
  show(output);
  promise(code === exit, `syncline ${args[0]} ends with ${exit} (it was ${code})`);
  return output;
}

async function report(...args: readonly string[]): Promise<{ readonly created: number; readonly updated: number; readonly deleted: number; readonly unchanged: number }> {
  say(styleText('bold', `$ syncline ${args.join(' ')} --report json`));
  const { code, output } = await run([...args, '--quiet', '--report', 'json']);
  promise(code === 0, `syncline ${args[0]} ends with 0 (it was ${code})`);
  return (JSON.parse(output) as { counts: Awaited<ReturnType<typeof report>> }).counts;
}

function run(args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  const environment = { ...process.env, XDG_STATE_HOME: join(folder, 'state'), ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }) };
  return new Promise((resolve) => {
    execFile(process.execPath, ['--disable-warning=ExperimentalWarning', command, ...args], { cwd: folder, env: environment }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, output: stderr + stdout });
    });
  });
}

function tree(path: string, indent: string): readonly string[] {
  const entries = readdirSync(path, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry, i) => {
    const last = i === entries.length - 1;
    const line = `${indent}${last ? '└── ' : '├── '}${entry.name}`;
    return entry.isDirectory() ? [line, ...tree(join(path, entry.name), `${indent}${last ? '    ' : '│   '}`)] : [line];
  });
}
