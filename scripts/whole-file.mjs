// Loaded into the processes of tests: a file that is made to end before it was read to its end has tests that nobody has seen, and fails.
import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';

// In a thread the path is that of the file as well, which would be run there once more.
const path = isMainThread ? process.argv[1] : undefined;
if (path !== undefined) {
  let read = false;
  const noted = () => { read = true; };
  process.once('exit', (code) => {
    if (read || code !== 0) return;
    process.exitCode = 1;
    console.error(`${path} ended before it was read to its end: tests after an await that was still under way have not been run. Ask in their "skip" or in a "before" what takes a while, or have an earlier test wait for it.`);
  });
  // The very module that the process is about to run: it is run once, and whoever asks for it waits for its end.
  import(pathToFileURL(realpathSync(path)).href).then(noted, noted);
}
