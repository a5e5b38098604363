/** Something a store found out about its place. */
export interface Fact {
  /** As the store wrote it; nobody else reads it. */
  readonly text: string;
  /** Milliseconds since the Unix epoch: when it was found out. */
  readonly at: number;
}

/**
 * What a store found out about its place at some expense, remembered from one run to the next. It saves asking, and
 * proves nothing: the store judges how long it believes a fact, and drops one that the place contradicts.
 */
export interface Facts {
  /** What was remembered under a name, however old. */
  get(name: string): Fact | undefined;
  /** Remembers a fact in place of an earlier one of that name; `undefined` forgets it. */
  set(name: string, fact: Fact | undefined): void;
}
