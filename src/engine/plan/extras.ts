import { deserialize, serialize } from 'node:v8';
import type { Action } from '../../core/reconcile.ts';
import { TempFile } from '../../lib/temp-file.ts';
import type { Extent } from '../../lib/temp-file.ts';
import { withoutContent } from '../../model/entry.ts';
import type { Content } from '../../model/entry.ts';
import { plainContent } from '../../model/late-document.ts';
import { putAside } from '../aside/put-aside.ts';
import { Spill } from '../aside/spill.ts';

/** What only the target holds, and what is to become of it. */
export type Extra = Action & { readonly kind: 'delete' | 'keep' };

/** Extras that are held back until everything was seen, on disk: there may be as many of them as there are entries. */
export class Extras implements Disposable {
  readonly #actions = new Spill<{ readonly action: Extra; readonly content?: Extent }>();
  readonly #contents = new TempFile();

  /** Files lose their content, documents keep it. */
  add(action: Extra): void {
    const { content } = action.over;
    const lean = { ...action, over: withoutContent(action.over) };
    this.#actions.add(content?.kind === 'document' ? { action: lean, content: putAside(this.#contents, serialize(plainContent(content))) } : { action: lean });
  }

  *pages(): Generator<readonly Extra[]> {
    for (const page of this.#actions.pages()) {
      yield page.map(({ action, content }) => (content ? { ...action, over: { ...action.over, content: deserialize(this.#contents.read(content)) as Content } } : action));
    }
  }

  [Symbol.dispose](): void {
    this.#actions[Symbol.dispose]();
    this.#contents[Symbol.dispose]();
  }
}
