/**
 * What stores and the engine are lent: the only way to time, chance, the environment and the person at the terminal,
 * so that tests can lend others and two engines in one process never meet.
 */
export interface Host {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** From 0 up to, not including, 1. */
  random(): number;
  /** Rejects with an `AbortError` when the signal fires first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  readonly environment: { readonly [name: string]: string | undefined };
  log(level: 'debug' | 'info' | 'warn', message: string): void;
  /** Standard input, and standard output with its back-pressure. Absent where they are not for data. */
  readonly standard?: { input(): AsyncIterable<Uint8Array>; write(text: string): Promise<void> };
  /** Asks for a secret without showing it. Absent where nobody can be asked. */
  askSecret?(question: string): Promise<string>;
}
