import { hash } from 'node:crypto';
import { DigestTable } from '../../lib/digest-table.ts';
import { SeenSet } from '../../lib/seen-set.ts';
import type { Entry } from '../../model/entry.ts';
import type { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import { LateDigest } from '../../model/late-document.ts';
import type { Source } from '../../model/store.ts';
import { readEach } from '../run/read-each.ts';
import type { RunEvent } from '../types.ts';

/** So many entries at most are remembered by their digests, in about 40 bytes each: whoever holds more is asked. */
const mostHeld = 2_000_000;
/** What a target holds is listed when so many times what was asked about is as much as all of it, */
const worth = 8;
/** and that is looked at again when so many times as much was asked about. */
const patience = 2;

export interface HeldBeforeOptions {
  readonly target: Source;
  /** Whether what the target holds may be listed as a whole, because all of it is in scope and what is equal needs no more than to be known as such. */
  readonly listed: boolean;
  readonly signal: AbortSignal | undefined;
  /** How many entries the target says it holds. */
  estimate(): Promise<number | undefined>;
  /** Is told how far the listing is. */
  readonly on: (event: RunEvent) => void;
}

/**
 * What a target held before a run, for a source that comes in no order: at first its entries are asked for by their keys. When it turns out
 * that most of them will be, all are listed once instead, which costs the target a fraction of it, and of each no more
 * is remembered than tells whether it is equal. What is not is asked for all the same.
 */
export class HeldBefore {
  readonly #options: HeldBeforeOptions;
  readonly #seen = new SeenSet();
  readonly #verdicts = new Map<Key, 'absent' | 'equal' | 'different'>();
  #table: DigestTable | undefined;
  #listing: Promise<void> | undefined;
  #listed: boolean;
  #asked = 0;
  /** Whether both sides keep documents as text of their own, so that most of what is equal is known by that. */
  #byText: boolean | undefined;
  #nextLook = 1;

  constructor(options: HeldBeforeOptions) {
    this.#options = options;
    this.#listed = options.listed && isListable(options.target);
  }

  /** Takes in an entry of the source: `new` unless its key came before, then with the `same` content or a `different` one. */
  add({ key, digest }: Entry): 'new' | 'same' | 'different' {
    this.#byText ??= isOwnText(digest);
    const tag = this.#tagOf(digest);
    const meeting = this.#table?.meet(key, tag) ?? 'absent';
    if (meeting === 'again') return 'same';
    if (meeting === 'again-different') return 'different';
    const found = meeting === 'absent' ? this.#seen.add(key, tag ?? digest?.value) : 'new';
    if (found === 'new' && this.#table) this.#verdicts.set(key, meeting);
    return found;
  }

  /** Whether the source has come with a key. */
  has(key: Key): boolean {
    return this.#table?.wasMet(key) === true || this.#seen.has(key);
  }

  /** What the target holds under the keys of entries that were added, with an error for what cannot be read; of what is equal no more than that. */
  async read(entries: readonly Entry[]): Promise<readonly (Entry | SyncError | undefined)[]> {
    const { target, signal } = this.#options;
    const verdicts = entries.map(({ key }) => {
      const verdict = this.#verdicts.get(key);
      this.#verdicts.delete(key);
      return verdict;
    });
    const open = entries.filter((_, i) => verdicts[i] === undefined || verdicts[i] === 'different');
    const found = open.length === 0 ? [] : await readEach(target, open, signal ? { signal } : {});
    this.#asked += entries.length;
    if (this.#listed && this.#asked >= this.#nextLook) this.#listing ??= this.#look().finally(() => { this.#listing = undefined; });
    // Whoever comes while all is listed waits for it, lest it is asked for twice.
    await this.#listing;
    let next = 0;
    return entries.map(({ key, digest }, i) => {
      if (verdicts[i] === 'absent') return undefined;
      return verdicts[i] === 'equal' ? { key, digest: digest! } : found[next++];
    });
  }

  async #look(): Promise<void> {
    this.#nextLook = this.#asked * patience;
    const count = await this.#options.estimate();
    if (count === undefined) return;
    if (count > this.#asked * worth) {
      this.#nextLook = Math.min(this.#nextLook, Math.ceil(count / worth));
      return;
    }
    // It is listed once, or never.
    this.#listed = false;
    if (count <= mostHeld) this.#table = await this.#list(count);
  }

  /** All that is held, by digests; `undefined` where that cannot be had, and each has to be asked for. */
  async #list(expected: number): Promise<DigestTable | undefined> {
    const { target, signal, on } = this.#options;
    const table = new DigestTable(expected);
    on({ kind: 'expected', side: 'right', entries: expected });
    try {
      let listed = 0;
      for await (const { entries, problems } of target.scan({ want: 'stat', ...(signal && { signal }) })) {
        signal?.throwIfAborted();
        for (const { key } of problems ?? []) {
          // Nobody knows what was left out.
          if (key === undefined) return undefined;
          table.set(key, undefined);
        }
        if (listed === 0 && entries.length > 0) this.#byText &&= isOwnText(entries[0]!.digest);
        for (const { key, digest, deleted } of entries) {
          // What came before is what this run may have written since.
          if (!this.#seen.has(key)) table.set(key, deleted ? undefined : this.#tagOf(digest));
        }
        if (table.size > mostHeld) return undefined;
        on({ kind: 'scanned', side: 'right', entries: (listed += entries.length) });
      }
      return table;
    } catch {
      // Whatever is wrong with all of it, each by itself may still be had; and if not, asking tells why.
      signal?.throwIfAborted();
      return undefined;
    }
  }

  /** What stands for a digest: where two are equal, so are the digests. Of a text that is the very text of digests it is one. */
  #tagOf(digest: Entry['digest']): string | undefined {
    if (digest instanceof LateDigest && (this.#byText || digest.of.canonical)) return hash('sha256', digest.of.text);
    return digest?.algorithm === 'document' ? digest.value : undefined;
  }
}

/** Whether a document is text that need not be the canonical one. */
function isOwnText(digest: Entry['digest']): boolean {
  return digest instanceof LateDigest && !digest.of.canonical;
}

function isListable({ capabilities: { order, digests, enumerates, visibility } }: Source): boolean {
  return order === 'none' && enumerates === 'all' && visibility === 'immediate' && digests.includes('document');
}
