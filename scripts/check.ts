// Types, lint and the tidiness of the project, without its other tests.
import { runChecks } from './checks.ts';
import { runTests } from './run-tests.ts';

const checks = await runChecks();
const tests = await runTests(['test/tidy.test.ts'], { wholly: true });
console.log(`${checks.passed + tests.passed} passed, ${checks.failed + tests.failed} failed, ${tests.skipped} skipped`);
process.exitCode = checks.failed + tests.failed > 0 ? 1 : 0;
