import { sameContent } from '../../core/compare.ts';
import { checkDeletes } from '../../core/guard.ts';
import type { Deletions } from '../../core/guard.ts';
import type { Triple } from '../../core/reconcile.ts';
import { withoutContent } from '../../model/entry.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { Spill } from '../aside/spill.ts';
import type { EvidenceOptions } from '../plan/evidence.ts';
import { withEvidence } from '../plan/evidence.ts';
import type { Deletes, Put } from './writer.ts';

/** New entries that are remembered to be found again; a run that makes more of them is not one of renaming. */
const mostNew = 20_000;

/** Pairs whose content is compared at once. */
const pairsAtOnce = 1_000;

/**
 * Tells what was renamed from what is lost, for the guard: an entry that is to be deleted and whose content the same run
 * puts under another key is no loss, each new one making up for one. Asked only where deletions would be refused otherwise.
 */
export class Moves implements Disposable {
  readonly #entries = new Spill<Entry>();
  #unwritten = false;

  /** Remembers what the target is to hold that it did not. */
  add({ entry, over }: Put): void {
    if (!over && entry.size !== undefined && this.#entries.length < mostNew) this.#entries.add(withoutContent(entry));
  }

  /**
   * Throws `guarded` where the guard does not allow `deletes`, what was renamed taken into account. `written`: writes what
   * is to be written, and says whether all of it was; what is not there yet makes up for nothing.
   */
  async guard(deletes: Deletes, deletions: Omit<Deletions, 'deletes' | 'moved'>, evidence: EvidenceOptions, written: () => Promise<boolean> = async () => true): Promise<void> {
    const counted = { ...deletions, deletes: deletes.length };
    try {
      checkDeletes(counted);
    } catch (refusal) {
      if (!(refusal instanceof SyncError) || typeof deletions.guard.maxDeletes === 'number' || this.#entries.length === 0 || deletes.length > 2 * mostNew) throw refusal;
      const moved = await this.#among(deletes, evidence);
      checkDeletes({ ...counted, moved });
      if (await written()) return;
      this.#unwritten = true;
      throw refusal;
    }
  }

  /** Whether all that the guard lacked was that something could not be written. */
  get unwritten(): boolean {
    return this.#unwritten;
  }

  [Symbol.dispose](): void {
    this.#entries[Symbol.dispose]();
  }

  async #among(deletes: Deletes, evidence: EvidenceOptions): Promise<number> {
    const pairs = pairsOf(Array.from(deletes, ({ over }) => over), [...this.#entries]);
    let moved = 0;
    for (let at = 0; at < pairs.length; at += pairsAtOnce) {
      const found = await withEvidence(pairs.slice(at, at + pairsAtOnce), evidence);
      moved += found.filter(({ left, right }) => left && right && sameContent(left, right, evidence.precision) === true).length;
    }
    return moved;
  }
}

/** Who may have become whom: by size and name, and what is left by size alone. */
function pairsOf(gone: readonly Entry[], fresh: readonly Entry[]): readonly Triple[] {
  const pairs: Triple[] = [];
  const pair = (olds: readonly Entry[], news: readonly Entry[], nameOf: (entry: Entry) => string): readonly (readonly Entry[])[] => {
    const waiting = new Map<string, Entry[]>();
    for (const entry of news) {
      const name = nameOf(entry);
      const named = waiting.get(name);
      if (named) named.push(entry);
      else waiting.set(name, [entry]);
    }
    const left = olds.filter((right) => {
      const match = right.size === undefined ? undefined : waiting.get(nameOf(right))?.pop();
      if (match) pairs.push({ key: right.key, left: match, right, base: undefined });
      return !match;
    });
    return [left, [...waiting.values()].flat()];
  };
  const [olds = [], news = []] = pair(gone, fresh, ({ key, size }) => `${size} ${key.slice(key.lastIndexOf('/') + 1)}`);
  pair(olds, news, ({ size }) => String(size));
  return pairs;
}
