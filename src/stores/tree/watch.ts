import { isUtf8 } from 'node:buffer';
import { opendirSync, readFileSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { platform } from 'node:os';
import { join, sep } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Key } from '../../model/key.ts';
import type { Hint } from '../../model/store.ts';
import { lookAt } from './facts.ts';
import { codeOf, fileError } from './file-error.ts';
import { directoriesTo, isInside, kindOf, realPath } from './links.ts';
import type { Links } from './links.ts';
import { fewest } from './outermost.ts';
import { below, parentOf, temporaryPrefix } from './paths.ts';

export interface WatchOptions {
  /** The root, without links. */
  readonly root: string;
  /** How the root is called in messages. */
  readonly name: string;
  readonly hidden: 'include' | 'skip';
  readonly links: Links;
  readonly host: Host;
  readonly signal: AbortSignal;
}

/** How often everything is said to may have changed, where the system does not tell what has. */
const pollMs = 5_000;

/** Hints given at once; directories stand for more. */
const mostHints = 500;

/** Some systems tell of a directory and all below it; of others each directory must be asked. */
const recursive: boolean = platform() === 'darwin' || platform() === 'win32';

/**
 * Tells which keys may have changed. Each directory is watched before it is listed, so that nothing falls in between, and
 * one that is new, moved or exchanged is hinted once it is watched. Where the system cannot watch so much, that is said
 * in a warning, and every few seconds the hint is that anything may have changed.
 */
export async function* watchTree(options: WatchOptions): AsyncGenerator<readonly Hint[]> {
  const { name, host, signal } = options;
  if (signal.aborted) return;
  const watched = new WatchedTree(options);
  const stop = (): void => watched.close();
  let stood = false;
  signal.addEventListener('abort', stop, { once: true });
  try {
    await watched.open();
    stood = true;
    for (let hints: readonly Hint[] | undefined = []; hints; hints = await watched.next()) yield hints;
    return;
  } catch (cause) {
    if (signal.aborted) return;
    if (!isLimit(cause)) throw fileError(cause, 'watch', name, { store: name });
    host.log('warn', `${name} cannot be watched (${limitOf(cause)}), and is looked at every ${pollMs / 1_000} seconds instead: raise fs.inotify.max_user_watches or fs.inotify.max_user_instances with sysctl`);
  } finally {
    signal.removeEventListener('abort', stop);
    watched.close();
  }
  if (stood) yield [{ under: '' }];
  for (let hints: readonly Hint[] = []; !signal.aborted; hints = [{ under: '' }]) {
    yield hints;
    await host.sleep(pollMs, signal).catch((cause: unknown) => { if (!signal.aborted) throw cause; });
  }
}

function isLimit(cause: unknown): boolean {
  const code = codeOf(cause);
  return code === 'ENOSPC' || code === 'EMFILE' || code === 'ENFILE' || code === 'ENOSYS' || code === 'ENOMEM';
}

function limitOf(cause: unknown): string {
  return codeOf(cause) === 'ENOSPC' ? 'the limit of watched directories is reached' : codeOf(cause) === 'ENOSYS' ? 'the system has no means for it' : 'the limit of open files or watchers is reached';
}

/** The directories of a tree, each with what tells of its changes, and what they have told of. */
class WatchedTree {
  readonly #options: WatchOptions;
  readonly #watchers = new Map<Key, FSWatcher>();
  /** Links to directories of the tree that are followed: what is changed there has a key below the link as well. */
  readonly #followed = new Map<Key, Key>();
  /** What was told of since it was last looked at; true where a name came or went, and not only changed. */
  #told = new Map<Key, boolean>();
  #events = 0;
  readonly #mostEvents = mostEvents();
  #hints = new Set<Key>();
  #looking = false;
  #ended = false;
  #error: { readonly cause: unknown } | undefined;
  #inode: bigint | undefined;
  #wake: (() => void) | undefined;
  #breathedMs = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Resolves when everything is watched. Rejects with system errors. */
  async open(): Promise<void> {
    const { root, name } = this.#options;
    this.#inode = lookAt(root)?.ino;
    if (this.#inode === undefined) throw new SyncError('not-found', `${name} does not exist`, { store: name, hint: 'check the path' });
    await this.#watch('');
    // The root is not passed over as others are when it cannot be watched.
    if (!this.#watchers.has('') && !this.#ended) throw new SyncError('denied', `${name} cannot be watched`, { store: name, hint: 'check its owner and mode' });
  }

  /** The hints since the last call, at least one; `undefined` once this is closed. Rejects when it cannot go on. */
  async next(): Promise<readonly Hint[] | undefined> {
    while (this.#hints.size === 0 && !this.#ended && !this.#error) await new Promise<void>((resolve) => { this.#wake = resolve; });
    if (this.#ended) return undefined;
    if (this.#error) throw this.#error.cause;
    const hints = fewest(this.#hints, mostHints);
    this.#hints = new Set();
    return hints.map((under) => ({ under }));
  }

  close(): void {
    this.#ended = true;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    this.#wake?.();
  }

  /** Watches a directory and those below it. What cannot be listed or is gone again is left out: a scan tells of it. */
  async #watch(directory: Key): Promise<void> {
    const { root, links } = this.#options;
    const waiting = [directory];
    for (let key = waiting.pop(); key !== undefined && !this.#ended; key = waiting.pop()) {
      try {
        const path = key === '' ? root : below(root, key);
        if (!this.#watchers.has(key) && lookAt(path)?.isDirectory()) this.#add(key, path);
        if (recursive && links !== 'follow') return;
        for (const child of this.#directoriesIn(key)) waiting.push(child);
      } catch (cause) {
        if (isLimit(cause)) throw cause;
      }
      if (performance.now() - this.#breathedMs > 20) {
        await immediate();
        this.#breathedMs = performance.now();
      }
    }
  }

  #add(key: Key, path: string): void {
    if (recursive && key !== '') return;
    const watcher = watch(path, { encoding: 'buffer', recursive }, (kind, name) => this.#hear(key, kind === 'rename', name));
    watcher.on('error', () => {
      this.#events = this.#mostEvents;
      this.#hear(key, true, null);
    });
    this.#watchers.set(key, watcher);
  }

  #directoriesIn(key: Key): Key[] {
    const { root, links } = this.#options;
    const prefix = key === '' ? '' : `${key}/`;
    const children: Key[] = [];
    const directory = opendirSync(join(root, key), { bufferSize: 256 });
    try {
      for (let found = directory.readSync(); found; found = directory.readSync()) {
        if (!this.#takesPart(found.name)) continue;
        if (found.isDirectory()) children.push(prefix + found.name);
        else if (links === 'follow' && found.isSymbolicLink()) this.#follow(prefix + found.name);
      }
    } finally {
      directory.closeSync();
    }
    return children;
  }

  #follow(key: Key): void {
    const { root, links } = this.#options;
    const facts = lookAt(below(root, key));
    const real = facts?.isSymbolicLink() && ['file', 'directory'].includes(kindOf(facts, root, key, links)) ? realPath(join(root, key)) : undefined;
    // Files outside of the tree are not watched; the next look at everything finds their changes.
    if (real !== undefined && isInside(real, root) && directoriesTo(root, parentOf(key))) this.#followed.set(key, real.slice(root.length + (root.endsWith(sep) ? 0 : 1)).split(sep).join('/'));
    else this.#followed.delete(key);
  }

  #takesPart(path: string): boolean {
    const { hidden } = this.#options;
    return !path.startsWith(temporaryPrefix) && !path.includes(`/${temporaryPrefix}`) && !(hidden === 'skip' && (path.startsWith('.') || path.includes('/.')));
  }

  #hear(directory: Key, renamed: boolean, name: Buffer | null): void {
    if (this.#ended) return;
    this.#events++;
    const text = name && isUtf8(name) ? name.toString() : '';
    const path = sep === '/' ? text : text.split(sep).join('/');
    if (text !== '' && !this.#takesPart(path)) return;
    const key = path === '' ? directory : directory === '' ? path : `${directory}/${path}`;
    if (this.#told.size < this.#mostEvents) this.#told.set(key, renamed || (this.#told.get(key) ?? false));
    if (this.#looking) return;
    this.#looking = true;
    // After all that is there to be heard.
    setImmediate(() => {
      this.#look().catch((cause: unknown) => { this.#error ??= { cause }; }).finally(() => {
        this.#looking = false;
        this.#wake?.();
      });
    });
  }

  /** Looks at what was told of, until nothing more is. */
  async #look(): Promise<void> {
    const { root, name } = this.#options;
    while (this.#told.size > 0 && !this.#ended) {
      const [told, events] = [this.#told, this.#events];
      [this.#told, this.#events] = [new Map(), 0];
      if (lookAt(root)?.ino !== this.#inode) throw new SyncError('unavailable', `${name} is gone or was exchanged for another directory while it was watched`, { store: name, hint: 'check that its disk is mounted' });
      if (events >= this.#mostEvents) {
        // The system may have dropped some, among them new directories.
        this.#unwatch(new Set(['']));
        await this.#watch('');
        this.#hint('');
      } else await this.#lookAt(told);
      this.#wake?.();
    }
  }

  async #lookAt(told: ReadonlyMap<Key, boolean>): Promise<void> {
    const { root, links } = this.#options;
    const anew: Key[] = [];
    const stale = new Set<Key>();
    for (const [key, renamed] of told) {
      const isDirectory = key === '' || isDirectoryAt(join(root, key));
      const isWatched = this.#watchers.has(key);
      if (isWatched && (renamed || !isDirectory) && key !== '') stale.add(key);
      if (isDirectory && (renamed || !isWatched)) anew.push(key);
      if (links === 'follow' && key !== '') this.#follow(key);
    }
    if (stale.size > 0) this.#unwatch(stale);
    for (const key of anew) await this.#watch(key);
    for (const key of told.keys()) this.#hint(key);
  }

  /** No longer watches these directories and what is below them. */
  #unwatch(directories: ReadonlySet<Key>): void {
    for (const [key, watcher] of this.#watchers) {
      for (let at = key; ; at = parentOf(at)) {
        if (directories.has(at)) {
          watcher.close();
          this.#watchers.delete(key);
          break;
        }
        if (at === '') break;
      }
    }
  }

  #hint(key: Key): void {
    this.#hints.add(key);
    for (const [link, target] of this.#followed) {
      if (key === target || key.startsWith(`${target}/`)) this.#hints.add(link + key.slice(target.length));
      else if (target.startsWith(`${key}/`)) this.#hints.add(link);
    }
    if (this.#hints.size > 8 * mostHints) this.#hints = new Set(fewest(this.#hints, mostHints));
  }
}

function isDirectoryAt(path: string): boolean {
  try {
    return lookAt(path)?.isDirectory() ?? false;
  } catch {
    return false;
  }
}

/** So many events at once are a sign that the system may have dropped some: half of what it keeps. */
function mostEvents(): number {
  try {
    return Math.max(1_000, Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8')) / 2 || 8_192);
  } catch {
    return 8_192;
  }
}
