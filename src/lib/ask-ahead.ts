/** One item of a stream, and what was answered to it. */
export interface Answered<Item, Answer> {
  readonly item: Item;
  readonly answer: Answer;
}

interface Asked<Item, Answer> {
  readonly item: Item;
  readonly answer: Promise<Answer>;
}

/**
 * The items of a stream in their order, each with the answer to a question. Up to `most` items are asked about beyond the one that is yielded
 * next, so that whoever answers works while an earlier item is looked at; an item whose answer is there waits for no other one.
 * The first error of either ends the stream.
 */
export async function* askAhead<Item, Answer>(items: AsyncIterable<Item>, ask: (item: Item) => Promise<Answer>, most: number): AsyncGenerator<Answered<Item, Answer>> {
  const iterator = items[Symbol.asyncIterator]();
  const asked: Asked<Item, Answer>[] = [];
  let coming: Promise<IteratorResult<Item>> | undefined;
  let ended = false;
  try {
    while (!ended || asked.length > 0) {
      if (!ended && asked.length <= most) coming ??= quiet(iterator.next());
      const first = asked[0];
      if (coming && (!first || await isFirst(coming, first.answer))) {
        const { done, value } = await coming as IteratorResult<Item, undefined>;
        coming = undefined;
        if (done === true) ended = true;
        else asked.push({ item: value, answer: quiet(ask(value)) });
      } else if (first) {
        asked.shift();
        yield { item: first.item, answer: await first.answer };
      }
    }
  } finally {
    await Promise.allSettled(asked.map(({ answer }) => answer));
    // What is still to come may take as long as its source likes; it closes behind that.
    const closing = ended ? undefined : iterator.return?.();
    if (coming) closing?.catch(() => {});
    else await closing;
  }
}

/** Whether the one settles before the other. */
async function isFirst(one: Promise<unknown>, other: Promise<unknown>): Promise<boolean> {
  return await Promise.race([one.then(() => true, () => true), other.then(() => false, () => false)]);
}

/** A promise whose failure is heard of when it is waited for. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
