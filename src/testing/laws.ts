import type { Bench, Subject } from './bench.ts';
import { conduct, sinks, writingConduct } from './laws/conduct.ts';
import { reading } from './laws/reading.ts';
import { values } from './laws/values.ts';
import { versions } from './laws/versions.ts';
import { writing } from './laws/writing.ts';

/** Laws by the sentence that says them. Each opens its place by itself and fails by throwing. */
export interface Laws {
  readonly [sentence: string]: (bench: Bench) => Promise<void>;
}

/** What a subject must be for a group of laws to apply. */
type Kind = NonNullable<Subject['is']>;

/** Every law, by group. Which apply to an ability is decided by the capabilities, inside the law: where it is absent, its refusal is the law. */
export const groups: readonly { readonly group: string; readonly of: readonly Kind[]; readonly laws: Laws }[] = [
  { group: 'reading', of: ['store', 'source'], laws: reading },
  { group: 'conduct', of: ['store', 'source'], laws: conduct },
  { group: 'keys and values', of: ['store'], laws: values },
  { group: 'versions, digests and times', of: ['store'], laws: versions },
  { group: 'writing', of: ['store'], laws: writing },
  { group: 'conduct of writing', of: ['store'], laws: writingConduct },
  { group: 'sinks', of: ['sink'], laws: sinks },
];
