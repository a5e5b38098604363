// Compiles src to dist, from scratch: what a former source left behind would be published.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, runNode, toolScript } from './tool.ts';

rmSync(join(root, 'dist'), { recursive: true, force: true });
process.exitCode = await runNode(toolScript('typescript', 'tsc'), ['-p', 'tsconfig.build.json']);
