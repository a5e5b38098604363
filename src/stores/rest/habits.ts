import type { Ref } from '../../model/entry.ts';
import { typeOf } from '../../model/key.ts';

/** What a server was seen to do with resources of one type; `undefined`: not seen yet. */
export interface Habit {
  /** It hands out strong ETags, and is taken to heed the conditions that go with them. */
  guards: boolean | undefined;
  /** It answers a write with the resource just as a GET gives it. */
  echoes: boolean | undefined;
}

/** What is learned of a server while it is written to. */
export class Habits {
  /** Collections that take several resources in one PATCH, or do not. */
  readonly patches: Map<string, Promise<boolean>> = new Map<string, Promise<boolean>>();
  readonly #byType = new Map<string, Habit>();

  of({ key }: Ref): Habit {
    const type = typeOf(key);
    let habit = this.#byType.get(type);
    if (habit === undefined) this.#byType.set(type, (habit = { guards: undefined, echoes: undefined }));
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
