/** How many bytes a second may pass at an hour of the day; `undefined` is as many as can. */
export interface Timetable {
  /** From this minute of the day on (local time), until that of the next slot, around the clock. In order. */
  readonly slots: readonly { readonly minute: number; readonly bytesPerSecond: number | undefined }[];
}

/** The clock that pacing goes by. */
export interface PaceClock {
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Lets bytes pass no faster than a timetable says, whoever asks: a token bucket that holds a fifth of a second. */
export class Pace {
  readonly #timetable: Timetable;
  readonly #clock: PaceClock;
  /** When the bytes that were let pass have all been paid for. */
  #paidMs = 0;

  constructor(timetable: Timetable, clock: PaceClock) {
    this.#timetable = timetable;
    this.#clock = clock;
  }

  /** Resolves when `bytes` more may pass. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    const rate = rateAt(this.#timetable, now);
    if (rate === undefined) return;
    this.#paidMs = Math.max(this.#paidMs, now - 200) + (bytes / rate) * 1_000;
    if (this.#paidMs > now) await this.#clock.sleep(this.#paidMs - now, signal);
  }
}

function rateAt({ slots }: Timetable, ms: number): number | undefined {
  const date = new Date(ms);
  const minute = date.getHours() * 60 + date.getMinutes();
  // Before the first slot of a day the last one of the day before still holds.
  return (slots.findLast((slot) => slot.minute <= minute) ?? slots.at(-1))?.bytesPerSecond;
}
