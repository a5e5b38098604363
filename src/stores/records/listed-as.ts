import { withoutContent } from '../../model/entry.ts';
import type { Entry } from '../../model/entry.ts';
import type { Page, ScanOptions, Source } from '../../model/store.ts';

/** What a store lists, seen as a store that is made of it shows entries. To be seen they need their content, which is read where the listing does not bring it. */
export async function* listedAs(store: Source, seen: (entry: Entry) => Entry, { want = 'stat', ...asked }: ScanOptions = {}): AsyncGenerator<Page> {
  for await (const { entries, problems } of store.scan({ ...asked, want: 'content' })) {
    const unread = entries.filter(({ content }) => content === undefined);
    const read = new Map(unread.length === 0 ? [] : (await store.read(unread, asked.signal && { signal: asked.signal })).flatMap((entry) => (entry ? [[entry.key, entry] as const] : [])));
    const found = entries.map((entry) => seen(read.get(entry.key) ?? entry));
    yield { entries: want === 'content' ? found : found.map(withoutContent), ...(problems && { problems }) };
  }
}
