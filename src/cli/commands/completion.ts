import { SyncError } from '../../model/errors.ts';
import type { Command, Invocation } from '../program/command.ts';

const shells = ['bash', 'zsh', 'fish', 'powershell'] as const;

/** Completion for the shell. */
export const command: Command = {
  name: 'completion',
  summary: 'print a script that completes syncline commands in your shell',
  usage: 'SHELL',
  args: [{ name: 'shell', summary: 'which shell', kind: 'required', choices: shells }],
  options: [],
  examples: [
    ['completion bash > ~/.local/share/bash-completion/completions/syncline', 'for bash, from the next shell on'],
    ['completion zsh > "${fpath[1]}/_syncline"', 'for zsh'],
    ['completion fish > ~/.config/fish/completions/syncline.fish', 'for fish'],
  ],
  run,
};

async function run({ args: [shell] }: Invocation): Promise<number> {
  if (!shells.some((known) => known === shell)) throw new SyncError('invalid', shell === undefined ? 'no shell was named' : `${JSON.stringify(shell)} is not a shell that is known`, { hint: `name one of ${shells.join(', ')}` });
  const { script } = await import('@bomb.sh/tab');
  // The script's own text goes straight to standard output.
  script(shell as string, 'syncline', 'syncline');
  return 0;
}
