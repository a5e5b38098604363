// Every check and every test, or only the tests in the files that are named.
import { relative, resolve } from 'node:path';
import { runChecks } from './checks.ts';
import { runTests, testFiles } from './run-tests.ts';
import { root } from './tool.ts';

const named = process.argv.slice(2).map((path) => relative(root, resolve(path)));
const checks = named.length === 0 ? await runChecks() : { passed: 0, failed: 0 };
const tests = await runTests(named.length === 0 ? testFiles() : named, { wholly: named.length > 0 });
console.log(`${checks.passed + tests.passed} passed, ${checks.failed + tests.failed} failed, ${tests.skipped} skipped`);
// What a test left running may hold the pipes of its file open, and is not waited for.
process.exit(checks.failed + tests.failed > 0 ? 1 : 0);
