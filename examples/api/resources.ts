/** Plain fields by name. */
export interface Fields {
  readonly [name: string]: unknown;
}

/** A resource to begin with: `parents` name others by relation, as in `{ line: 'line/T1' }`. */
export interface ExampleResource {
  readonly type: string;
  readonly id: string;
  readonly fields: Fields;
  readonly parents?: { readonly [relation: string]: string };
}

/** How the server treats what it is given. Real ones do all of these. */
export interface Behaviour {
  /** Fields that every resource has which it was not given. */
  readonly defaults?: Fields;
  /** Ignores the links it is sent, and makes its own: `self` and `collection`. */
  readonly ownLinks?: boolean;
  /** Fields come back in another order than they were sent. */
  readonly reorder?: boolean;
  /** Every write sets `updatedAt`. */
  readonly stamp?: boolean;
  /** The only fields that listings show, besides `id` and `_links`. */
  readonly abbreviate?: readonly string[];
  /** Links are written without scheme and host. */
  readonly relative?: boolean;
}

interface Link extends Fields {
  readonly href: string;
}

type Links = { readonly [relation: string]: Link | readonly Link[] };

/** A resource as the server holds it. */
interface Held {
  /** What it was given, without `_links`. */
  readonly fields: Fields;
  /** Without this server's own scheme and host. */
  readonly links: Links;
  /** Paths of those it cannot be without. */
  readonly parents: readonly string[];
  readonly version: number;
  /** Its representation, and what a listing shows of it. */
  readonly json: string;
  readonly listed: string;
}

/** A resource that was refused, with the status to say so. */
export interface Refusal {
  readonly status: number;
  readonly detail: string;
}

/** Where every resource of this API is. */
export const root = '/api';

/** The path of a resource, or of a whole collection. */
export function pathOf(type: string, id?: string): string {
  return `${root}/${encodeURIComponent(type)}${id === undefined ? '' : `/${encodeURIComponent(id)}`}`;
}

/** The collection, and the resource in it, that a path names; `undefined` where it names neither. */
export function placeOf(path: string): { readonly type: string; readonly id: string | undefined } | undefined {
  const [empty, api, type, id, ...rest] = path.split('/');
  if (empty !== '' || `/${api}` !== root || type === undefined || type === '' || id === '' || rest.length > 0) return undefined;
  try {
    return { type: decodeURIComponent(type), id: id === undefined ? undefined : decodeURIComponent(id) };
  } catch {
    return undefined;
  }
}

/** What a server holds: collections of resources in memory, each with its representation ready to be sent. */
export class Resources {
  readonly #origin: string;
  readonly #behaviour: Behaviour;
  readonly #collections = new Map<string, Map<string, Held>>();
  /** By path, how many resources name it as their parent. */
  readonly #children = new Map<string, number>();
  /** Each collection in order, until something in it changes. */
  readonly #inOrder = new Map<string, readonly Held[]>();
  #version = 0;

  constructor(origin: string, behaviour: Behaviour) {
    this.#origin = origin;
    this.#behaviour = behaviour;
  }

  get types(): readonly string[] {
    return [...this.#collections.keys()];
  }

  /** Makes an empty collection, if there is none. */
  open(type: string): void {
    if (!this.#collections.has(type)) this.#collections.set(type, new Map());
  }

  get(type: string, id: string): Held | undefined {
    return this.#collections.get(type)?.get(id);
  }

  count(type: string): number {
    return this.#collections.get(type)?.size ?? 0;
  }

  /** What a listing shows of one page of a collection, as JSON texts. */
  page(type: string, offset: number, limit: number): readonly string[] {
    let all = this.#inOrder.get(type);
    if (all === undefined) this.#inOrder.set(type, (all = [...(this.#collections.get(type)?.values() ?? [])]));
    return all.slice(offset, offset + limit).map(({ listed }) => listed);
  }

  /** Every resource by its path, with links as this server keeps them: without scheme and host. */
  dump(): { readonly [path: string]: Fields } {
    const all = [...this.#collections].flatMap(([type, held]) => [...held].map(([id, { fields, links }]) => [pathOf(type, id), { ...fields, _links: links }] as const));
    return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Why a representation cannot be stored, if so. `coming` are paths that will be there by then. */
  refusalOf(type: string, id: string, document: unknown, coming?: ReadonlySet<string>): Refusal | undefined {
    if (!isFields(document)) return { status: 422, detail: 'a resource is an object' };
    if (document['id'] !== undefined && idOf(document) !== id) return { status: 422, detail: `the id is ${JSON.stringify(document['id'])}, and not the one in the path` };
    const missing = parentsOf(this.#localLinks(document)).find((path) => !coming?.has(path) && !this.#has(path));
    return missing === undefined ? undefined : { status: 422, detail: `${pathOf(type, id)} names the parent ${missing}, which does not exist` };
  }

  /** Stores a representation that {@link refusalOf} had nothing against. */
  put(type: string, id: string, document: Fields): Held {
    const { defaults, ownLinks = false, reorder = false, stamp = false, abbreviate } = this.#behaviour;
    const { _links: _, ...given } = document;
    const sent = this.#localLinks(document);
    const self = { href: pathOf(type, id) };
    const links: Links = ownLinks ? { self, collection: { href: pathOf(type) } } : { ...sent, self };
    const all = { ...defaults, ...given, id: given['id'] ?? id, ...(stamp && { updatedAt: new Date().toISOString() }) };
    const fields = reorder ? Object.fromEntries(Object.entries(all).reverse()) : all;
    const _links = this.#ownLinks(links);
    const shown = abbreviate && Object.fromEntries(Object.entries(fields).filter(([name]) => name === 'id' || abbreviate.includes(name)));
    const json = JSON.stringify({ ...fields, _links });
    const held: Held = { fields, links, parents: parentsOf(sent), version: ++this.#version, json, listed: shown ? JSON.stringify({ ...shown, _links: { self: _links['self'] } }) : json };
    this.open(type);
    this.#adopt(this.get(type, id)?.parents ?? [], -1);
    this.#adopt(held.parents, 1);
    this.#collections.get(type)?.set(id, held);
    this.#inOrder.delete(type);
    return held;
  }

  /** Removes a resource; refuses while others depend on it. */
  remove(type: string, id: string): Refusal | undefined {
    const held = this.get(type, id);
    if (held === undefined) return { status: 404, detail: `there is no ${pathOf(type, id)}` };
    const children = this.#children.get(pathOf(type, id)) ?? 0;
    if (children > 0) return { status: 409, detail: `${children} others depend on ${pathOf(type, id)}` };
    this.#adopt(held.parents, -1);
    this.#collections.get(type)?.delete(id);
    this.#inOrder.delete(type);
    return undefined;
  }

  #has(path: string): boolean {
    const place = placeOf(path);
    return place?.id !== undefined && this.get(place.type, place.id) !== undefined;
  }

  #adopt(parents: readonly string[], by: 1 | -1): void {
    for (const path of parents) this.#children.set(path, (this.#children.get(path) ?? 0) + by);
  }

  /** Links to the host that a document came from lead to the same path here; links to others stay as they are. */
  #localLinks(document: Fields): Links {
    const links = document['_links'];
    if (!isFields(links)) return {};
    const self = hrefsOf(links['self'])[0] ?? '';
    const origin = URL.canParse(self) ? new URL(self).origin : '';
    const local = (href: string): string => (origin !== '' && href.startsWith(`${origin}/`) ? href.slice(origin.length) : href);
    return mapHrefs(links, local);
  }

  #ownLinks(links: Links): Links {
    return this.#behaviour.relative === true ? links : mapHrefs(links, (href) => (href.startsWith('/') ? this.#origin + href : href));
  }
}

/** Whether a value is a JSON object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The id a resource says it has; empty where it says none. */
export function idOf({ id }: { readonly id?: unknown }): string {
  return typeof id === 'string' || typeof id === 'number' ? String(id) : '';
}

/** HAL has it that a relation leads to one link or to a list of them. */
function mapHrefs(links: Fields, change: (href: string) => string): Links {
  const changed = (link: unknown): Link => (isFields(link) && typeof link['href'] === 'string' ? { ...link, href: change(link['href']) } : link) as Link;
  return Object.fromEntries(Object.entries(links).map(([relation, value]) => [relation, Array.isArray(value) ? value.map(changed) : changed(value)]));
}

function hrefsOf(value: unknown): readonly string[] {
  return [value].flat().flatMap((link) => (isFields(link) && typeof link['href'] === 'string' ? [link['href']] : []));
}

/** The paths of this API that the links beginning with `parent:` lead to. */
function parentsOf(links: Links): readonly string[] {
  const parents = Object.entries(links).filter(([relation]) => relation.startsWith('parent:'));
  return parents.flatMap(([, value]) => hrefsOf(value)).filter((href) => href.startsWith(`${root}/`));
}
