import type { Entry } from '../../model/entry.ts';
import { toSyncError } from '../../model/errors.ts';
import type { Outcome, Store, Write } from '../../model/store.ts';
import { takeOver } from './take-over.ts';

/** Copies entries of `store` into `backup`, each under its own key. Throws when one of them cannot be kept. */
export async function keepIn(backup: Store, entries: readonly Entry[], store: Store, signal: AbortSignal | undefined): Promise<void> {
  if (entries.length === 0) return;
  const taken = await takeOver(backup, entries.map((entry) => ({ entry, source: store })), signal);
  refuse(taken, backup);
  const rest = entries.filter((_, i) => !taken[i] || taken[i].kind === 'stale');
  const held = rest.length === 0 ? [] : await store.read(rest, signal && { signal });
  const writes = held.flatMap((entry): Write[] => (entry?.content ? [{ kind: 'put', entry: { ...entry, content: entry.content } }] : []));
  const { batchEntries } = backup.capabilities.limits;
  for (let at = 0; at < writes.length; at += batchEntries) refuse(await backup.write(writes.slice(at, at + batchEntries), signal && { signal }), backup);
}

function refuse(outcomes: readonly (Outcome | undefined)[], backup: Store): void {
  for (const outcome of outcomes) if (outcome?.kind === 'failed') throw toSyncError(outcome.error, { store: backup.name });
}
