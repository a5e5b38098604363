import { sameContent } from '../core/compare.ts';
import { isAsAgreed } from '../core/reconcile.ts';
import type { Triple } from '../core/reconcile.ts';
import type { Digest, Entry } from '../model/entry.ts';
import type { Source } from '../model/store.ts';
import { digestContent } from './digests.ts';
import type { Hashes } from './hashes.ts';

export interface EvidenceOptions {
  readonly leftOf: (entry: Entry) => Source;
  readonly right: Source;
  readonly precision: number;
  readonly signal: AbortSignal | undefined;
  /** Whether equal sizes and times will do, or only equal content. */
  readonly proof: 'stat' | 'content';
  readonly hashes: Hashes;
}

/**
 * The triples, with digests of one algorithm on both sides wherever stats alone cannot say whether the sides are equal:
 * those that are remembered of the very version, else made from the content.
 */
export async function withEvidence(triples: readonly Triple[], options: EvidenceOptions): Promise<readonly Triple[]> {
  const { precision, proof, leftOf, right, signal, hashes } = options;
  const thin = new Set(triples.filter((triple) => {
    if (!triple.left || !triple.right) return false;
    const same = sameContent(triple.left, triple.right, precision);
    if (proof === 'stat' && same === undefined) return !isAsAgreed(triple, precision);
    if (same !== true || proof === 'stat') return same === undefined;
    return triple.left.digest === undefined || triple.left.digest.algorithm !== triple.right.digest?.algorithm;
  }));
  if (thin.size === 0) return triples;
  const gathering = new Gathering(hashes, signal);
  for (const triple of thin) {
    const [left, other] = [triple.left as Entry, triple.right as Entry];
    const wanted = other.digest ?? left.digest ?? { algorithm: 'sha256' as const };
    gathering.ask(leftOf(left), left, wanted);
    gathering.ask(right, other, wanted);
  }
  await gathering.read();
  return triples.map((triple) => (thin.has(triple) ? { ...triple, left: gathering.answer(triple.left as Entry), right: gathering.answer(triple.right as Entry) } : triple));
}

type Wanted = Pick<Digest, 'algorithm'> & Partial<Digest>;

/** Digests that are asked for entry by entry and made store by store. */
class Gathering {
  readonly #hashes: Hashes;
  readonly #signal: AbortSignal | undefined;
  readonly #found = new Map<Entry, Digest>();
  readonly #open = new Map<Source, { readonly entry: Entry; readonly wanted: Wanted }[]>();

  constructor(hashes: Hashes, signal: AbortSignal | undefined) {
    this.#hashes = hashes;
    this.#signal = signal;
  }

  ask(source: Source, entry: Entry, wanted: Wanted): void {
    const known = this.#hashes.known(source, entry, wanted.algorithm);
    if (known) {
      this.#found.set(entry, known);
      return;
    }
    const open = this.#open.get(source);
    if (open) open.push({ entry, wanted });
    else this.#open.set(source, [{ entry, wanted }]);
  }

  async read(): Promise<void> {
    for (const [source, asked] of this.#open) {
      const unread = asked.filter(({ entry }) => !entry.content);
      const read = unread.length > 0 ? await source.read(unread.map(({ entry }) => entry), this.#signal && { signal: this.#signal }) : [];
      const whole = new Map(unread.map(({ entry }, i) => [entry, read[i]]));
      for (const { entry, wanted } of asked) {
        const now = entry.content ? entry : whole.get(entry);
        if (!now?.content) continue;
        const digest = await digestContent(now.content, wanted, now.size);
        this.#found.set(entry, digest);
        this.#hashes.remember(source, now, digest);
      }
    }
  }

  answer(entry: Entry): Entry {
    const digest = this.#found.get(entry);
    return digest ? { ...entry, digest } : entry;
  }
}
