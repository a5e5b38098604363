import type { Ref } from '../../model/entry.ts';

/** What a server was seen to do with the resources of one collection; `undefined`: not seen yet. */
export interface Habit {
  /** It hands out strong ETags, and is taken to heed the conditions that go with them. */
  guards: boolean | undefined;
  /** It answers a write with the resource just as a GET gives it. */
  echoes: boolean | undefined;
  /** The collection takes several resources in one PATCH. */
  patches: Promise<boolean> | undefined;
}

/** What is learned of a server while it is written to. */
export class Habits {
  readonly #byCollection = new Map<string, Habit>();

  of({ collection = '' }: Ref): Habit {
    let habit = this.#byCollection.get(collection);
    if (habit === undefined) this.#byCollection.set(collection, (habit = { guards: undefined, echoes: undefined, patches: undefined }));
    return habit;
  }
}

/** Whether an ETag is one that `If-Match` can match; weak ones never do (RFC 9110, section 13.1.1). */
export function isStrong(etag: string | undefined): etag is string {
  return etag !== undefined && /^"[^"]*"$/.test(etag);
}

/** Remembers whether a resource came with an ETag that writes can be conditional on. */
export function learnGuards(habit: Habit, etag: string | undefined): void {
  if (isStrong(etag)) habit.guards = true;
  else habit.guards ??= false;
}
