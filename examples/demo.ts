// The main job, end to end, with the real command: capture an API into files, edit one, see the difference, replay
// into a second, empty server. Every step is shown as you would type it, and checked.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { ExampleApi } from './start-api.ts';

const folder = mkdtempSync(join(tmpdir(), 'syncline-demo-'));
const data = join(folder, 'data');
const command = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts');

try {
  await demonstrate();
} catch (error) {
  console.error(`\nThe demonstration stopped: ${(error as Error).message}`);
  process.exitCode = 1;
}

async function demonstrate(): Promise<void> {
  await using live = await ExampleApi.start({ seed: true });
  await using staging = await ExampleApi.start({ seed: false });

  say(`Two servers are running: ${live.url}, with data, and ${staging.url}, empty.`);
  say(`Everything below happens in ${folder}.`);

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

  say(`\n${styleText('green', 'Done.')} ${files.length} resources went from ${live.url} to ${data} and on to ${staging.url}, with one edit on the way.`);
  say(`The files are still there: ${data}`);
}

function say(text: string): void {
  console.log(text);
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
