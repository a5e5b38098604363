import type { Command } from './program/command.ts';

/** The commands there are, in the order help lists them. Each is loaded when it is called or asked about. */
export const commands: readonly { readonly name: string; readonly summary: string; load(): Promise<Command> }[] = [
  { name: 'sync', summary: 'make the destination hold what the origins hold', load: async () => (await import('./commands/sync.ts')).command },
  { name: 'merge', summary: 'bring two places to hold the same', load: async () => (await import('./commands/merge.ts')).command },
  { name: 'diff', summary: 'show what sync would do', load: async () => (await import('./commands/diff.ts')).command },
  { name: 'verify', summary: 'prove that two places hold the same', load: async () => (await import('./commands/verify.ts')).command },
  { name: 'run', summary: 'run the syncs that a file names, once or at their times', load: async () => (await import('./commands/run.ts')).command },
  { name: 'history', summary: 'see past runs: when, what they did, what went wrong', load: async () => (await import('./commands/history.ts')).command },
  { name: 'stores', summary: 'list what can be synced', load: async () => (await import('./commands/stores.ts')).command },
  { name: 'state', summary: 'see, set or forget where runs by time go on', load: async () => (await import('./commands/state.ts')).command },
  { name: 'quarantine', summary: 'see or forget records that could not be carried across by time', load: async () => (await import('./commands/quarantine.ts')).command },
  { name: 'completion', summary: 'print a completion script for your shell', load: async () => (await import('./commands/completion.ts')).command },
];
