import type { StoreKind } from '../../model/kind.ts';
import { treeCapabilities, TreeStore } from './tree-store.ts';
import type { TreeOptions } from './tree-store.ts';

/** A directory. */
export const kind: StoreKind<TreeOptions> = {
  name: 'tree',
  summary: 'a directory: files as they are, or one YAML or JSON file per resource',
  endpoint: 'path/to/directory',
  options: [
    { name: 'hidden', summary: 'whether files and directories that begin with a dot take part', value: 'choice', choices: ['include', 'skip'], default: 'include' },
    { name: 'case', summary: 'whether names that differ only in case are one name', value: 'choice', choices: ['auto', 'sensitive', 'insensitive'], default: 'auto' },
    { name: 'missing', summary: 'whether a directory that does not exist is refused or empty', value: 'choice', choices: ['refuse', 'empty'], default: 'refuse' },
    { name: 'links', summary: 'whether symbolic links are passed over, read as what they lead to (files: unless that is a directory), or kept as links', value: 'choice', choices: ['skip', 'follow', 'files', 'keep'], default: 'skip' },
    { name: 'durable', summary: 'whether files are forced to the disk before they count as written', value: 'flag', default: true },
    { name: 'concurrency', summary: 'files written at once in a batch', value: 'number', default: 16 },
  ],
  capabilities: treeCapabilities,
  async open(endpoint, options, host) {
    return new TreeStore(endpoint, host, options);
  },
};
