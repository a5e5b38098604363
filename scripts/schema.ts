// Writes the JSON Schema of the file of named syncs, which is published and which editors complete and check by.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileDescription } from '../src/cli/named/description.ts';
import { root } from './tool.ts';

writeFileSync(join(root, 'syncline.schema.json'), `${JSON.stringify(fileDescription(), null, 2)}\n`);
