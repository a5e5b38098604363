/** How often and how patiently to try again. */
export interface Backoff {
  /** Attempts in all; 1 is no retry. */
  readonly attempts: number;
  readonly firstMs: number;
  readonly mostMs: number;
}

/** Five attempts over a few seconds. */
export const defaultBackoff: Backoff = { attempts: 5, firstMs: 200, mostMs: 30_000 };

/**
 * How long to wait after `failed` attempts: full jitter over an exponential ceiling ("Exponential Backoff And Jitter",
 * AWS Architecture Blog, 2015), and never less than the other side asked for. `random` is from 0 up to 1.
 */
export function waitMs(failed: number, { firstMs, mostMs }: Backoff, random: number, retryAfterMs = 0): number {
  return Math.max(retryAfterMs, Math.min(mostMs, firstMs * 2 ** (failed - 1)) * random);
}

/** How long to wait where waiting has no end: like {@link waitMs}, but never less than half of what it may be at most. */
export function jitteredMs(failed: number, { firstMs, mostMs }: Omit<Backoff, 'attempts'>, random: number): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(failed - 1, 30)) * (0.5 + random / 2);
}
