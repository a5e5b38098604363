import type { Host } from './host.ts';

/** The platform's clock, chance and timers; an empty environment, nobody to ask, and no log. What a library lends when it was lent nothing. */
export const plainHost: Host = {
  now: () => Date.now(),
  random: () => Math.random(),
  environment: {},
  log() {},
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortError());
      const stop = (): void => {
        clearTimeout(timer);
        reject(abortError());
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop);
        resolve();
      }, ms);
      signal?.addEventListener('abort', stop, { once: true });
    });
  },
};

function abortError(): Error {
  return new DOMException('interrupted', 'AbortError');
}
