import { namesIn, usualFile } from './load.ts';

/** The names of syncs, for the completion of a command line of which these words are there. */
export function offerNames(words: readonly string[]): readonly string[] {
  const at = words.indexOf('--config');
  const inline = words.find((word) => word.startsWith('--config='))?.slice('--config='.length);
  return namesIn((at < 0 ? inline : words[at + 1]) ?? usualFile);
}
