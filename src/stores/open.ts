import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { ResponseCache } from '../lib/response-cache.ts';
import { SyncError } from '../model/errors.ts';
import type { Facts } from '../model/facts.ts';
import type { Host } from '../model/host.ts';
import type { OptionSpec, StoreKind } from '../model/kind.ts';
import type { KeepingRules } from '../model/keeping.ts';
import { plainHost } from '../model/plain-host.ts';
import { isSink, isSource } from '../model/store.ts';
import type { Sink, Source, Store } from '../model/store.ts';
import type { Schema } from '../schema/schema.ts';
import { endpointOptions } from './endpoint-options.ts';
import { kinds } from './kinds.ts';
import type { KindName } from './kinds.ts';
import { deletedAs, openWithTombstones } from './records/deletions.ts';
import type { DeletionOptions } from './records/deletions.ts';
import type { TimeUnit } from './records/instants.ts';

/** An endpoint as read: which kind of place, and where. */
export interface Recognised {
  readonly kind: KindName;
  readonly location: string;
}

/** What stores remember between runs, by the identity of their place. */
export interface Memory {
  responses(identity: string): ResponseCache;
  facts(identity: string): Facts;
}

/** How places are opened. What a kind of place has no use for, it is not given. */
export interface OpenOptions {
  readonly host?: Host;
  /** `blobs`: bytes move untouched, which takes directories on both sides. Default: blobs where both sides can, else documents. */
  readonly as?: 'documents' | 'blobs';
  /** How documents name themselves and their parents. Default: `hal`. */
  readonly schema?: Schema['name'];
  /** What is written. Default: what the place is used to. */
  readonly format?: 'yaml' | 'json';
  /** Whether a directory that is a target gives up what it holds in another format than that. Not for two-way runs, where it would look like news. */
  readonly convert?: boolean;
  /** How objects are kept, by their keys, in buckets and containers that are written. */
  readonly keeping?: KeepingRules;
  /** An open state, in which answers of servers are remembered between runs, and what stores found out. The name of one is for whoever opens it. */
  readonly state?: string | Memory;
  /** Any other option of the kind, by its name in {@link StoreKind.options}. */
  readonly [option: string]: unknown;
}

/** Two sides that are ready to run, and what they hold. */
export interface OpenPair extends AsyncDisposable {
  readonly origins: readonly Source[];
  readonly target: Store | Sink;
  readonly holds: 'documents' | 'blobs';
  /** What the origins speak for: everything, or, where an API is read from one of its collections, the types they hold. */
  readonly scope: 'everything' | 'types';
}

const schemes = 'http://, https://, s3://, swift://, sftp://, sqlite:, postgres://, mysql://, cassandra://, elasticsearch://, opensearch://, memory:';

/** The kinds whose scheme is their name. */
const schemed: readonly KindName[] = ['s3', 'swift', 'sftp', 'sqlite', 'postgres', 'mysql', 'cassandra', 'elasticsearch', 'opensearch'];
/** Other names of theirs, and what says how a place is spoken to. */
const aliases: { readonly [scheme: string]: KindName } = {
  'postgresql': 'postgres', 'mariadb': 'mysql',
  'elasticsearch+http': 'elasticsearch', 'elasticsearch+https': 'elasticsearch', 'opensearch+http': 'opensearch', 'opensearch+https': 'opensearch',
};
/** The kinds whose entries are objects, with types and classes and access lists. */
const objectKinds: readonly KindName[] = ['s3', 'swift'];
/** The kinds that hold files, or things like files. */
const blobKinds: readonly KindName[] = ['tree', 's3', 'swift', 'sftp'];

/** Which kind of place an endpoint means, by its spelling alone. Throws `invalid` on a scheme that no kind has. */
export function recognise(endpoint: string): Recognised {
  if (endpoint === '') throw new SyncError('invalid', 'an endpoint is empty', { hint: 'name a file, a directory, a URL, or - for standard input and output' });
  if (endpoint.includes('\0')) throw new SyncError('invalid', 'an endpoint holds a NUL character', { hint: 'remove it' });
  if (endpoint === '-') return { kind: 'stdio', location: endpoint };
  if (endpoint === 'null' || endpoint === '/dev/null') return { kind: 'null', location: endpoint };
  if (endpoint.startsWith('memory:')) return { kind: 'memory', location: endpoint };
  if (/^https?:\/\//i.test(endpoint)) return { kind: 'rest', location: checkedUrl(endpoint) };
  if (/^sqlite:/i.test(endpoint)) return { kind: 'sqlite', location: endpoint };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(endpoint)?.[1];
  const name = scheme?.toLowerCase() ?? '';
  const named = Object.hasOwn(aliases, name) ? aliases[name] : schemed.find((kind) => kind === name);
  if (named !== undefined) return { kind: named, location: endpoint };
  if (scheme !== undefined) throw new SyncError('invalid', `${scheme}:// is not a kind of place that is known`, { hint: `use ${schemes}, a file, a directory, null or -` });
  // A trailing slash says directory, whatever the name looks like.
  return { kind: /\.(?:ya?ml|json|ndjson)$/i.test(endpoint) ? 'file' : 'tree', location: endpoint };
}

function checkedUrl(endpoint: string): string {
  if (!URL.canParse(endpoint)) throw new SyncError('invalid', `${withoutUserinfo(endpoint)} is not a URL`, { hint: 'write https://host/path' });
  // The scheme is compared in lower case by everything that follows.
  return endpoint.replace(/^[^:]+/, (scheme) => scheme.toLowerCase());
}

/** A URL as it may be shown: without what stands before `@` in its authority. */
function withoutUserinfo(endpoint: string): string {
  return endpoint.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1');
}

/** Whether an option that is given for all places is one of a kind's own. How documents name themselves is another schema than the one that tables are in. */
function isFor({ name, value }: OptionSpec, option: string): boolean {
  return name === option && (option !== 'schema' || value === 'choice');
}

/** Opens one place. It is connected to when first used. Close it with `await using` or `[Symbol.asyncDispose]()`. */
export async function openStore(endpoint: string | Recognised, options: OpenOptions = {}): Promise<Store | Source | Sink> {
  const { kind: name, location } = typeof endpoint === 'string' ? recognise(endpoint) : endpoint;
  const { host = plainHost, as, state, keeping, ...rest } = options;
  const kind = await kinds[name]();
  const wanted = Object.entries(rest).filter(([option, value]) => value !== undefined && kind.options.some((spec) => isFor(spec, option)));
  const memory = typeof state === 'object' ? state : undefined;
  const lent = name === 'rest' ? { responses: memory?.responses(plainUrl(location)) } : objectKinds.includes(name) ? { keeping, facts: memory && ((identity: string) => memory.facts(identity)) } : {};
  // Documents are never hidden, and in a directory under version control there is much to pass over.
  const visible = name === 'tree' && as === 'documents' ? { hidden: 'skip' } : {};
  const { endpoint: place, options: own } = schemed.includes(name) ? endpointOptions(location, kind) : { endpoint: location, options: {} };
  const given: DeletionOptions = { ...rest, ...own };
  const store = await openWithTombstones(kind, place, { ...visible, ...Object.fromEntries(wanted), ...own, ...lent } as DeletionOptions, host);
  return deletedAs(await datedAs(as === 'documents' ? await asDocuments(store, options) : store, kind, rest), given, host);
}

/** A store as one whose documents say when they were modified, where it cannot be told so itself. */
async function datedAs(store: Store | Source | Sink, kind: StoreKind, { modified, modifiedUnit }: OpenOptions): Promise<Store | Source | Sink> {
  if (typeof modified !== 'string' || kind.options.some(({ name }) => name === 'modified') || !isSource(store) || !isSink(store)) return store;
  const { dated } = await import('./records/dated.ts');
  return dated(store, { modified, ...(modifiedUnit !== undefined && { modifiedUnit: modifiedUnit as TimeUnit }) });
}

/**
 * Opens both sides of a one-way run. Throws `invalid` when an origin is the target under another spelling or lies
 * within it, when an origin cannot be read, or the target cannot be written.
 */
export async function openPair({ origins, target, options: { keeping, ...options } = {}, targetOptions, bothWritten = false }: {
  readonly origins: readonly (string | Recognised)[];
  readonly target: string | Recognised;
  readonly options?: OpenOptions;
  /** What is said of the target alone. */
  readonly targetOptions?: OpenOptions;
  /** Whether the origin is written as well, as in a two-way run. */
  readonly bothWritten?: boolean;
}): Promise<OpenPair> {
  const left = origins.map(toRecognised);
  const right = toRecognised(target);
  for (const origin of left) {
    const same = samePlaceError(origin, right);
    if (same) throw same;
  }

  const blobs = [...left, right].every(({ kind }) => blobKinds.includes(kind)) && options.as !== 'documents' && options['modified'] === undefined && options['deleted'] === undefined;
  if (options.as === 'blobs' && !blobs) throw new SyncError('invalid', 'only directories and buckets can be copied as blobs', { hint: 'leave out --as blobs, or name directories or buckets on both sides' });
  if (keeping && ![right, ...(bothWritten ? left : [])].some(({ kind }) => objectKinds.includes(kind))) throw new SyncError('invalid', `rules about objects are for buckets and containers, and ${withoutUserinfo(right.location)} is neither`, { hint: 'leave them out, or name a bucket as s3://bucket/prefix' });
  const rules = keeping && { keeping };
  const opened: (Store | Source | Sink)[] = [];
  const close = async (): Promise<void> => {
    for (const store of opened.splice(0).reverse()) await store[Symbol.asyncDispose]();
  };
  const open = async (place: Recognised, missing: 'refuse' | 'empty', written: boolean, more: OpenOptions = {}): Promise<Store | Source | Sink> => {
    const convert = missing === 'empty' && options.convert === true;
    const store = await openStore(place, { missing, ...options, ...more, ...(written && rules), convert, as: blobs ? 'blobs' : 'documents' });
    opened.push(store);
    return store;
  };
  try {
    const sources: Source[] = [];
    for (const place of left) {
      const store = await open(place, 'refuse', bothWritten);
      if (!isSource(store)) throw new SyncError('invalid', `${store.name} cannot be read`, { hint: 'name another origin' });
      sources.push(store);
    }
    const store = await open(right, 'empty', true, targetOptions);
    if (!isSink(store)) throw new SyncError('invalid', `${store.name} cannot be written`, { hint: 'name another destination' });
    for (const source of sources) {
      if (source.identity === store.identity && right.kind !== 'stdio') throw samePlace(source.name, store.name);
      if (schemed.includes(right.kind) && isWithin(source.identity, store.identity)) throw nested(source.name, store.name);
    }
    const scope = [...left, right].some(({ kind }) => kind === 'rest') ? 'types' : 'everything';
    return { origins: sources, target: store, holds: blobs ? 'blobs' : 'documents', scope, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Whether a target can be compared with what comes in; standard output and the null device only take. */
export function isComparable(target: Store | Sink): target is Store {
  return isSource(target) && target.capabilities.reads !== 'once';
}

function toRecognised(endpoint: string | Recognised): Recognised {
  return typeof endpoint === 'string' ? recognise(endpoint) : endpoint;
}

async function asDocuments(store: Store | Source | Sink, { schema: name = 'hal', format = 'yaml', host = plainHost, convert }: OpenOptions): Promise<Store | Source | Sink> {
  if (store.capabilities.holds === 'documents') return store;
  if (!isSource(store) || !isSink(store)) throw new SyncError('unsupported', `${store.name} cannot hold documents`, { hint: 'use a directory or a file' });
  const { documentsIn } = await import('./documents/documents-in.ts');
  return documentsIn(store, { schema: await loadSchema(name), format, host, convert: convert === true });
}

/** A schema by its name. */
export async function loadSchema(name: Schema['name']): Promise<Schema> {
  return name === 'hal' ? (await import('../schema/hal.ts')).hal : (await import('../schema/simple.ts')).simple;
}

/**
 * Why two endpoints cannot be origin and target: they are one place under two spellings, or lie within one another.
 * Looks at the file system, opens nothing.
 */
export function samePlaceError(origin: Recognised, target: Recognised): SyncError | undefined {
  if (origin.kind === 'rest' && target.kind === 'rest') {
    // Resources keep their own path, so two addresses of one API are one place: each would be written onto itself.
    const [from, to] = [plainUrl(origin.location), plainUrl(target.location)];
    return new URL(from).origin === new URL(to).origin ? samePlace(withoutUserinfo(origin.location), withoutUserinfo(target.location)) : undefined;
  }
  if (!isPath(origin) || !isPath(target)) return undefined;
  const from = realPath(origin.location);
  const to = realPath(target.location);
  if (from === to || sameInode(from, to)) return samePlace(origin.location, target.location);
  // A directory written into the one it is read from would be read back, and one that is cleaned up would lose its origin.
  if (origin.kind !== 'tree' || target.kind !== 'tree' || !(from.startsWith(to + sep) || to.startsWith(from + sep))) return undefined;
  return nested(origin.location, target.location);
}

/** Whether one of two places, by their identities, lies within the other, or is the other. */
export function isWithin(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other.replace(/\/$/, '')}/`) || other.startsWith(`${one.replace(/\/$/, '')}/`);
}

function nested(origin: string, target: string): SyncError {
  return new SyncError('invalid', `${origin} and ${target} lie within one another`, { hint: 'name two separate places' });
}

function samePlace(origin: string, target: string): SyncError {
  return new SyncError('invalid', `${origin} is the same place as the destination ${target}`, { hint: 'name two different places' });
}

function isPath({ kind }: Recognised): boolean {
  return kind === 'tree' || kind === 'file';
}

/** Host in lower case, default port and user left out, trailing slashes and fragment as well. */
function plainUrl(location: string): string {
  const { protocol, host, pathname, search } = new URL(location);
  return `${protocol}//${host}${pathname.replace(/\/+$/, '')}${search}`;
}

/** The absolute path with every link resolved in the part that exists. */
function realPath(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync.native(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(realPath(parent), basename(absolute));
  }
}

function sameInode(a: string, b: string): boolean {
  const left = statSync(a, { bigint: true, throwIfNoEntry: false });
  const right = statSync(b, { bigint: true, throwIfNoEntry: false });
  return left !== undefined && right !== undefined && left.ino !== 0n && left.ino === right.ino && left.dev === right.dev;
}
