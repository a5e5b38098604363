import { createHash } from 'node:crypto';
import { sameContent } from '../core/compare.ts';
import type { Triple } from '../core/reconcile.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import type { Content, Digest, Entry } from '../model/entry.ts';
import type { Key } from '../model/key.ts';
import type { Source } from '../model/store.ts';

export interface EvidenceOptions {
  readonly leftOf: (entry: Entry) => Source;
  readonly right: Source;
  readonly precision: number;
  readonly signal: AbortSignal | undefined;
  /** Whether equal sizes and times will do, or only equal content. */
  readonly proof: 'stat' | 'content';
}

/**
 * The triples, with a digest made from the content wherever stats alone cannot say whether the sides are equal: no
 * digest in common, and no size or time that proves it.
 */
export async function withEvidence(triples: readonly Triple[], { leftOf, right, precision, signal, proof }: EvidenceOptions): Promise<readonly Triple[]> {
  const thin = triples.filter((triple) => {
    if (!triple.left || !triple.right) return false;
    const same = sameContent(triple.left, triple.right, precision);
    if (same !== true || proof === 'stat') return same === undefined;
    return triple.left.digest === undefined || triple.left.digest.algorithm !== triple.right.digest?.algorithm;
  });
  if (thin.length === 0) return triples;
  const digests = { left: new Map<Key, Digest>(), right: new Map<Key, Digest>() };
  const lefts = Map.groupBy(thin.flatMap(({ left }) => left ?? []), leftOf);
  for (const [source, entries] of lefts) await digestAll(source, entries, digests.left, signal);
  await digestAll(right, thin.flatMap((triple) => triple.right ?? []), digests.right, signal);
  return triples.map((triple) => ({ ...triple, left: withDigest(triple.left, digests.left), right: withDigest(triple.right, digests.right) }));
}

function withDigest(entry: Entry | undefined, digests: ReadonlyMap<Key, Digest>): Entry | undefined {
  const digest = entry && digests.get(entry.key);
  return digest ? { ...entry, digest } : entry;
}

async function digestAll(source: Source, entries: readonly Entry[], digests: Map<Key, Digest>, signal: AbortSignal | undefined): Promise<void> {
  const unread = entries.filter(({ content }) => !content);
  const read = unread.length > 0 ? await source.read(unread, signal && { signal }) : [];
  for (const entry of [...entries, ...read]) if (entry?.content) digests.set(entry.key, await digestContent(entry.content));
}

async function digestContent(content: Content): Promise<Digest> {
  if (content.kind === 'document') return { algorithm: 'document', value: createHash('sha256').update(canonicalJson(content.document)).digest('hex') };
  const hash = createHash('sha256');
  for await (const chunk of content.bytes()) hash.update(chunk);
  return { algorithm: 'sha256', value: hash.digest('hex') };
}
