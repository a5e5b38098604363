import { statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { renamed } from '../../engine/wrap/renamed.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Source, Store } from '../../model/store.ts';
import { openStore } from '../../stores/open.ts';
import type { Local, Mapping } from './mapping.ts';

/** What the sources of a command line are. Throws where one is not there: an empty place would be taken for a deletion. */
export function localsOf(sources: readonly string[], directory: string): readonly Local[] {
  return sources.map((source) => {
    const path = resolve(directory, source);
    const facts = statSync(path, { throwIfNoEntry: false });
    if (!facts) throw new SyncError('not-found', `${source} does not exist`, { store: source, hint: 'check the path; nothing was done' });
    if (!facts.isFile() && !facts.isDirectory()) throw new SyncError('invalid', `${source} is neither a directory nor a file`, { store: source, hint: 'name another source' });
    return { path, isFile: facts.isFile() };
  });
}

/** Opens one thing that is read, under the keys it has at the target. */
export async function openLocal(local: Local, { renaming }: Mapping, host: Host): Promise<Source> {
  const { path, isFile } = local;
  const tree = await openStore({ kind: 'tree', location: isFile ? dirname(path) : path }, { host, links: 'files', missing: 'refuse' }) as Store;
  return renamed<Source>(isFile ? only(tree, basename(path)) : tree, renaming(local));
}

/** One file of a directory, without a look at all the others. */
function only(tree: Source, key: string): Source {
  return {
    name: `${tree.name}/${key}`,
    identity: tree.identity,
    capabilities: tree.capabilities,
    scan: (options) => tree.scan({ ...options, under: [key] }),
    read: (refs, options) => tree.read(refs, options),
    ...(tree.watch && {
      async *watch(options: { readonly signal: AbortSignal }) {
        for await (const hints of tree.watch?.(options) ?? []) yield hints.filter(({ under }) => under === '' || under === key);
      },
    }),
    ...(tree.fingerprint && { fingerprint: async (options) => await tree.fingerprint?.(options) }),
    [Symbol.asyncDispose]: async () => { await tree[Symbol.asyncDispose](); },
  };
}
