import type { Host } from '../../model/host.ts';

/** A sleep that can be ended. One sleeper at a time. */
export class Alarm {
  readonly #host: Host;
  #sleeping: AbortController | undefined;
  #rung = false;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Ends the sleep that is under way, or else the next one. */
  ring(): void {
    this.#rung = true;
    this.#sleeping?.abort();
  }

  /** Resolves after so long, or when the alarm rings. */
  async sleep(ms: number): Promise<void> {
    const sleeping = new AbortController();
    this.#sleeping = sleeping;
    try {
      if (!this.#rung) await this.#host.sleep(ms, sleeping.signal);
    } catch (error) {
      if (!sleeping.signal.aborted) throw error;
    } finally {
      this.#sleeping = undefined;
      this.#rung = false;
    }
  }
}
