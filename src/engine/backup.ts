import { toSyncError } from '../model/errors.ts';
import type { Entry } from '../model/entry.ts';
import type { Store, Write } from '../model/store.ts';

/** Copies entries of `store` into `backup`, each under its own key. Throws when one of them cannot be kept. */
export async function keepIn(backup: Store, entries: readonly Entry[], store: Store, signal: AbortSignal | undefined): Promise<void> {
  if (entries.length === 0) return;
  const held = await store.read(entries, signal && { signal });
  const writes = held.flatMap((entry): Write[] => (entry?.content ? [{ kind: 'put', entry: { ...entry, content: entry.content } }] : []));
  const { batchEntries } = backup.capabilities.limits;
  for (let at = 0; at < writes.length; at += batchEntries) {
    const outcomes = await backup.write(writes.slice(at, at + batchEntries), signal && { signal });
    for (const outcome of outcomes) if (outcome.kind === 'failed') throw toSyncError(outcome.error, { store: backup.name });
  }
}
