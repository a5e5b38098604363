import { runNode, toolScript } from './tool.ts';

/** What can be said of the code without running it: the name of each check, and how it is made. */
const checks: readonly { readonly name: string; run(): Promise<number> }[] = [
  { name: 'types', run: () => runNode(toolScript('typescript', 'tsc'), ['-p', '.']) },
  { name: 'lint', run: () => runNode(toolScript('oxlint'), ['--deny-warnings']) },
];

/** Runs every check, saying which failed; resolves to how many passed and failed. */
export async function runChecks(): Promise<{ readonly passed: number; readonly failed: number }> {
  let failed = 0;
  for (const { name, run } of checks) {
    const startedMs = Date.now();
    const code = await run();
    console.log(`${code === 0 ? '✔' : '✖'} ${name} (${Date.now() - startedMs} ms)`);
    if (code !== 0) failed += 1;
  }
  return { passed: checks.length - failed, failed };
}
