import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../../model/host.ts';
import type { Terminal } from './terminal.ts';

/** The real host: this machine's clock, chance and environment, and whoever sits at the terminal. */
export function terminalHost(terminal: Terminal): Host {
  return {
    now: () => Date.now(),
    random: () => Math.random(),
    async sleep(ms, signal) {
      await sleep(ms, undefined, signal && { signal });
    },
    environment: terminal.environment,
    log(level, message) {
      const { level: wanted } = terminal;
      if (level === 'warn' ? wanted !== 'quiet' : level === 'info' ? wanted === 'verbose' || wanted === 'debug' : wanted === 'debug') {
        terminal.say(level === 'warn' ? `warning: ${message}` : message);
      }
    },
    standard: {
      input: () => process.stdin,
      write: (text) => new Promise((resolve, reject) => { process.stdout.write(text, (error) => (error ? reject(error) : resolve())); }),
    },
    async askSecret(question) {
      const { askSecret } = await import('./ask.ts');
      return askSecret(question, terminal);
    },
  };
}
