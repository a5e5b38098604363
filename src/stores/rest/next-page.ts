import type { HttpUrl } from '../../lib/http/url.ts';
import { canonicalUrl, printableUrl, resolveUrl, urlText } from '../../lib/http/url.ts';
import { SeenSet } from '../../lib/seen-set.ts';
import { isDocument } from '../../model/document.ts';
import { SyncError } from '../../model/errors.ts';
import type { Schema } from '../../schema/schema.ts';
import { isCollection } from './collection.ts';
import type { Fetched } from './crawl.ts';

/** Pages in a row that bring nothing new, after which a listing is taken for an endless one. */
const mostBarren = 1_000;

/** Where a page was found, and what it brought. */
interface Turn {
  /** Which start it belongs to; -1 where it belongs to none. */
  readonly start: number;
  /** Whether it held anything that was not yielded before. */
  readonly isNew: boolean;
}

/**
 * The next pages that the header `Link` names (RFC 8288). It counts where a listing does not say so itself, and leads to no other host:
 * who is asked there is not who was trusted with the question.
 */
export class NextPages {
  readonly #schema: Schema;
  /** Pages that have named a next one, each with the start that it belongs to. */
  readonly #named = new SeenSet();
  readonly #barren = new Map<number, number>();

  constructor(schema: Schema) {
    this.#schema = schema;
  }

  /** Where to go on after a page: nowhere where it is the last one, and an error where nobody can tell what else there is. */
  after({ value, url, next }: Fetched, { start, isNew }: Turn): HttpUrl | SyncError | undefined {
    if (next === undefined || !isCollection(value, this.#schema)) return undefined;
    if (isDocument(value) && this.#schema.links(value).some(({ relation }) => relation === 'next')) return undefined;
    const place = printableUrl(urlText(url));
    const refused = (why: string, hint: string): SyncError => new SyncError('corrupt', `${place} ${why}, so nobody knows what else there is`, { hint });
    const target = resolveUrl(next, url);
    if (target === undefined) return refused(`names ${printableUrl(next)} as its next page, which is no web address`, 'see what the API writes into its header Link');
    const named = printableUrl(urlText(target));
    if (target.origin !== url.origin) return refused(`names ${named} as its next page, which is another host and is not asked`, `have the API name its pages at ${url.origin}, or by their path alone`);
    this.#named.add(`${start} ${canonicalUrl(url)}`);
    if (start >= 0 && this.#named.has(`${start} ${canonicalUrl(target)}`)) return refused(`names ${named} as its next page, which was read before it`, 'have the API name each page once');
    const barren = isNew ? 0 : (this.#barren.get(start) ?? 0) + 1;
    this.#barren.set(start, barren);
    return barren < mostBarren ? target : refused(`is the last of ${mostBarren} pages in a row that hold nothing new, and names one more`, 'have the API end its listing');
  }
}
