/** A regular expression that takes time in the length of the text, whatever it and the text are. */
export interface LinearRegExp {
  /** As it was written. */
  readonly source: string;
  /** Whether some part of the text matches. */
  test(text: string): boolean;
}

const longestSource = 1_000;

/**
 * Reads an expression in the syntax of RE2: as usual, but without references back to groups and without looking ahead
 * or behind, which cannot be done in linear time. Throws a `RangeError` that says what is wrong with it.
 */
export async function linearRegExp(source: string): Promise<LinearRegExp> {
  if (source.length > longestSource) throw new RangeError(`is longer than ${longestSource} characters`);
  const { RE2JS, RE2JSException } = await import('re2js');
  try {
    const expression = RE2JS.compile(source);
    return { source, test: (text) => expression.test(text) };
  } catch (cause) {
    if (!(cause instanceof RE2JSException)) throw cause;
    throw new RangeError(`is no regular expression that can be used (${cause.message.replace(/^error parsing regexp: /, '')})`, { cause });
  }
}
