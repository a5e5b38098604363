import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { typeOf } from '../../model/key.ts';
import type { Page } from '../../model/store.ts';
import type { RestContext, Tagged } from './context.ts';

/** What is asked of a server to see whether its listings can be believed. */
export interface Reading {
  readonly concurrency: number;
  readEntry: RestContext['readEntry'];
  log(message: string): void;
  readonly signal: AbortSignal;
}

const mostSamples = 3;

/**
 * Listings as they can be compared: where a server lists resources of a type in another form than a GET of each does, abridged
 * as a rule, every one is read. A few of each type are read to find out.
 */
export async function* inFull(pages: AsyncIterable<Page>, reading: Reading): AsyncGenerator<Page> {
  const isAbridged = new Map<string, boolean>();
  for await (const page of pages) {
    for (const [type, samples] of samplesOf(page, isAbridged)) {
      const abridged = await differ(samples, reading);
      isAbridged.set(type, abridged);
      if (abridged) reading.log(`${type} is not listed in full: each is read by itself`);
    }
    yield page.entries.some(({ key }) => isAbridged.get(typeOf(key))) ? await readPage(page, isAbridged, reading) : page;
  }
}

/** Some entries of each type that nothing is known of yet: the first, the last, and one between. */
function samplesOf({ entries }: Page, known: ReadonlyMap<string, boolean>): ReadonlyMap<string, readonly Entry[]> {
  const found = new Map<string, Entry[]>();
  for (const entry of entries) {
    const type = typeOf(entry.key);
    if (known.has(type)) continue;
    const all = found.get(type);
    if (all === undefined) found.set(type, [entry]);
    else all.push(entry);
  }
  return new Map([...found].map(([type, all]) => [type, all.length <= mostSamples ? all : [all[0] as Entry, all[all.length >> 1] as Entry, all.at(-1) as Entry]]));
}

/** Whether a resource that is there is not what the listing says. One that cannot be read says nothing. */
async function differ(samples: readonly Entry[], { readEntry, signal }: Reading): Promise<boolean> {
  const found = await Promise.all(samples.map((entry) => readEntry(entry, { signal }).catch(unlessInterrupted)));
  return found.some((one, i) => one !== undefined && one.entry.digest?.value !== samples[i]?.digest?.value);
}

async function readPage({ entries, problems }: Page, isAbridged: ReadonlyMap<string, boolean>, { readEntry, concurrency, signal }: Reading): Promise<Page> {
  const read: (Tagged | undefined)[] = Array.from(entries, () => undefined);
  const waiting = entries.entries();
  const work = async (): Promise<void> => {
    for (const [i, entry] of waiting) {
      read[i] = isAbridged.get(typeOf(entry.key)) ? await readEntry(entry, { signal }) : { entry, etag: undefined };
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, entries.length) }, work));
  // What was deleted since it was listed is left out.
  return { entries: read.flatMap((one) => (one === undefined ? [] : [one.entry])), ...(problems && { problems }) };
}

function unlessInterrupted(error: unknown): undefined {
  if (error instanceof SyncError && error.code !== 'interrupted') return undefined;
  throw error;
}
