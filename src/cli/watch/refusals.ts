import { SyncError } from '../../model/errors.ts';
import type { Values } from '../options.ts';

/** Throws `invalid` where options make no sense with `--watch`, or without it. */
export function checkWatchOptions({ watch, report, fullEvery, pollEvery, health, metrics }: Values): void {
  if (watch && report === 'json') throw new SyncError('invalid', '--report json prints one object at the end, and watching has none', { hint: 'use --report ndjson, or --health and a file name' });
  const [name] = watch ? [] : Object.entries({ 'full-every': fullEvery, 'poll-every': pollEvery, health, metrics }).find(([, value]) => value !== undefined) ?? [];
  if (name !== undefined) throw new SyncError('invalid', `--${name} is about watching`, { hint: `add --watch, or leave out --${name}` });
}
