import { sameContent } from '../../core/compare.ts';
import { isAsAgreed } from '../../core/reconcile.ts';
import type { Triple } from '../../core/reconcile.ts';
import type { Digest, Entry } from '../../model/entry.ts';
import type { Source } from '../../model/store.ts';
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
  const { proof, precision, leftOf, right: target } = options;
  const thin = triples.filter((triple) => isThin(triple, proof, precision));
  if (thin.length === 0) return triples;
  const open = new Map<Source, Asked[]>();
  const asked = thin.map(({ left, right }) => {
    const [ours, theirs] = [left as Entry, right as Entry];
    const wanted = theirs.digest ?? ours.digest ?? { algorithm: 'sha256' as const };
    return { left: ask(leftOf(ours), ours, wanted, open), right: ask(target, theirs, wanted, open) };
  });
  for (const [source, unknown] of open) await answer(source, unknown, options);
  let next = 0;
  return triples.map((triple) => {
    if (triple !== thin[next]) return triple;
    const { left, right } = asked[next++]!;
    return { ...triple, left: answered(left), right: answered(right) };
  });
}

function isThin({ left, right, base }: Triple, proof: EvidenceOptions['proof'], precision: number): boolean {
  if (!left || !right) return false;
  const same = sameContent(left, right, precision);
  if (same === undefined) return proof === 'content' || !isAsAgreed({ left, right, base }, precision);
  return same && proof === 'content' && (left.digest === undefined || left.digest.algorithm !== right.digest?.algorithm);
}

/** An entry whose digest is asked for, by the algorithm of another or so that it is made as another was. */
interface Asked {
  readonly entry: Entry;
  readonly algorithm: Digest['algorithm'];
  readonly like: Pick<Digest, 'algorithm'> & Partial<Digest>;
  digest: Digest | undefined;
}

function ask(source: Source, entry: Entry, like: Asked['like'], open: Map<Source, Asked[]>): Asked {
  const { algorithm } = like;
  const asked: Asked = { entry, algorithm, like, digest: entry.digest?.algorithm === algorithm ? entry.digest : undefined };
  if (asked.digest) return asked;
  const others = open.get(source);
  if (others) others.push(asked);
  else open.set(source, [asked]);
  return asked;
}

/** Finds the digests of entries of one store. */
async function answer(source: Source, open: readonly Asked[], { proof, hashes, signal }: EvidenceOptions): Promise<void> {
  const known = proof === 'content' && source.capabilities.versions === 'likely' ? [] : hashes.known(source, open);
  const unknown = open.filter((asked, i) => (asked.digest = known[i]) === undefined);
  const unread = unknown.filter(({ entry }) => !entry.content);
  const read = unread.length > 0 ? await source.read(unread.map(({ entry }) => entry), signal && { signal }) : [];
  let next = 0;
  for (const asked of unknown) {
    const now = asked.entry.content ? asked.entry : read[next++];
    if (!now?.content) continue;
    asked.digest = await digestContent(now.content, asked.like, now.size);
    hashes.remember(source, now, asked.digest);
  }
}

function answered({ entry, digest }: Asked): Entry {
  return digest && digest !== entry.digest ? { ...entry, digest } : entry;
}
