import type { Gate } from '../../lib/gate.ts';
import { heldBlob } from '../../model/blob.ts';
import type { Content, Entry, Micros } from '../../model/entry.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { Expectation, Outcome, Write } from '../../model/store.ts';
import { Busy } from '../tree/busy.ts';
import { flawOf, isHidden, parentOf } from '../tree/paths.ts';
import type { Connection } from './connection.ts';
import { Draft, draftPath } from './draft.ts';
import { attributesOf, isSame, secondsOf, statOfFile } from './facts.ts';
import type { Facts } from './facts.ts';
import { isFailure, isMissing } from './failure.ts';
import { linkTarget } from './links.ts';
import { obstructed, Parents } from './parents.ts';
import type { Place } from './place.ts';
import { fileBlob, readWhole } from './reading.ts';
import { lookAt, makeLink, readLink, remove, removeDirectory, replace, set, setLink } from './remote.ts';
import { digestOfBlob, digestOfBytes } from './states.ts';
import type { States } from './states.ts';

export interface SftpWriterOptions {
  readonly place: Place;
  readonly states: States;
  /** How many entries are written at once. */
  readonly gate: Gate;
  readonly durable: boolean;
  /** The longest key. */
  readonly keyBytes: number;
}

type Put = Write & { readonly kind: 'put' };

/** What the writes of one batch share. */
interface Call {
  readonly parents: Parents;
  readonly signal: AbortSignal | undefined;
  /** Directories that lost an entry. */
  readonly emptied: Set<Key>;
}

/** What an attempt left behind when the connection was lost. */
interface Trace {
  draft?: string;
  /** What was about to be put in place, or, with `gone`, removed. */
  landed?: { readonly facts: Facts; readonly digest: string } | 'gone';
}

/** A file as it stands; absent where there is none. `stale`: it is not what was expected. */
interface Standing {
  readonly path: string;
  readonly facts?: Facts;
  readonly stale?: Outcome;
}

/** Files up to this size are compared with what is there before anything is written. */
const smallBytes = 256 * 1024;

/** The writing half of a directory on a server. */
export class SftpWriter {
  readonly #options: SftpWriterOptions;

  constructor(options: SftpWriterOptions) {
    this.#options = options;
  }

  async write(batch: readonly Write[], signal: AbortSignal | undefined): Promise<readonly Outcome[]> {
    const { place, gate } = this.#options;
    const call: Call = { parents: new Parents(place), signal, emptied: new Set() };
    const outcomes: Outcome[] = [];
    const busy = new Busy();
    let running: Promise<void>[] = [];
    for (const [i, write] of batch.entries()) {
      // Those that are about one place happen one after the other.
      if (!busy.take(keyOfWrite(write))) {
        await Promise.all(running);
        running = [];
        busy.clear();
        busy.take(keyOfWrite(write));
      }
      running.push(gate.enter(async () => { outcomes[i] = await this.#answer(write, call); }));
    }
    await Promise.all(running);
    for (const directory of call.emptied) await this.#prune(directory);
    return outcomes;
  }

  async #answer(write: Write, call: Call): Promise<Outcome> {
    const { place } = this.#options;
    const key = keyOfWrite(write);
    try {
      call.signal?.throwIfAborted();
      const flaw = this.#flawOf(key);
      if (flaw !== undefined) throw new SyncError('invalid', `${JSON.stringify(key)} cannot be a file in ${place.name}: ${flaw}`, { store: place.name, key });
      const trace: Trace = {};
      if (write.kind === 'put') this.#checkContent(write);
      return await place.session.run(place.about(write.kind === 'delete' ? 'delete' : 'write', key), async (connection, attempt) => {
        if (attempt > 1) {
          call.parents.forget();
          if (trace.draft !== undefined) await remove(connection, trace.draft);
          const done = await this.#landed(connection, write, trace);
          if (done) return done;
        }
        return write.kind === 'delete' ? this.#delete(connection, write, call, trace) : this.#put(connection, write, call, trace);
      }, call.signal);
    } catch (cause) {
      return { kind: 'failed', error: toSyncError(cause, { store: place.name, key }) };
    }
  }

  #flawOf(key: Key): string | undefined {
    const { place, keyBytes } = this.#options;
    if (key.length * 3 > keyBytes && Buffer.byteLength(key) > keyBytes) return `it is longer than ${keyBytes} bytes`;
    return flawOf(key) ?? (place.hidden === 'skip' && isHidden(key) ? 'hidden files are no part of this place' : undefined);
  }

  #checkContent({ entry: { key, content, attributes } }: Put): void {
    const { place } = this.#options;
    if (content.kind !== 'blob') throw new SyncError('unsupported', `${place.name} holds files, and ${key} is a document`, { key });
    if (attributes?.link && place.links !== 'keep') throw new SyncError('unsupported', `${key} is a symbolic link, and ${place.name} keeps none`, { key, hint: 'let both sides keep links, or follow them' });
  }

  /** Whether what an earlier attempt asked for was done, although its answer was lost. */
  async #landed(connection: Connection, write: Write, { landed }: Trace): Promise<Outcome | undefined> {
    const { place, states } = this.#options;
    const key = keyOfWrite(write);
    if (landed === undefined) return undefined;
    const now = await lookAt(connection, await place.pathOf(connection, key));
    const unguarded = write.expect && { unguarded: true as const };
    if (landed === 'gone') return now ? undefined : { kind: 'done', stat: {}, ...unguarded };
    if (!now || !isSame(now, landed.facts) || landed.digest !== await digestOfBlob(this.#blobOf(key, now))) return undefined;
    return { kind: 'done', stat: statOfFile(now, states.note(key, now, landed.digest, place.host.now())), ...unguarded };
  }

  async #put(connection: Connection, write: Put, call: Call, trace: Trace): Promise<Outcome> {
    const { content, attributes } = write.entry;
    if (content.kind !== 'blob') throw new TypeError('a document is refused before');
    const { head, rest } = await beginning(content);
    try {
      if (attributes?.link) return rest ? tooLong(write.entry.key) : await this.#putLink(connection, write, head, call);
      return await this.#putBytes(connection, write, { head, rest }, call, trace);
    } finally {
      // Whoever sends is told that no more is wanted.
      await rest?.[Symbol.asyncIterator]().return?.();
    }
  }

  async #putBytes(connection: Connection, write: Put, { head, rest }: Beginning, call: Call, trace: Trace): Promise<Outcome> {
    const { place, durable } = this.#options;
    const { entry, expect } = write;
    const { key } = entry;
    const before = await this.#look(connection, key, call.parents, expect);
    if (before.stale) return before.stale;
    // Compared before anything is made, so that writing what is there already changes nothing.
    if (!rest && before.facts?.kind === 'file' && before.facts.size === head.length && (await readWhole(connection, before.path, before.facts))?.bytes.equals(head)) return this.#same(connection, before.path, before.facts, entry, head);

    const mode = entry.attributes?.mode;
    const draft = await this.#draft(connection, key, call.parents, before.facts !== undefined || mode !== undefined);
    trace.draft = draft.path;
    try {
      await draft.write(head);
      let now = before;
      if (rest) {
        for await (const chunk of rest) {
          call.signal?.throwIfAborted();
          await draft.write(chunk);
        }
        now = await this.#look(connection, key, new Parents(place), expect);
        if (now.stale) return now.stale;
      }
      const time = timeOf(entry);
      trace.landed = await draft.finish({ mode: mode ?? (now.facts?.kind === 'file' ? now.facts.mode : undefined), modified: time === undefined ? undefined : secondsOf(time), durable });
      call.signal?.throwIfAborted();
      return await this.#place(connection, draft, write, now, trace.landed);
    } finally {
      await draft.drop();
    }
  }

  async #place(connection: Connection, draft: Draft, { entry: { key }, expect }: Put, { path, facts }: Standing, { facts: written, digest }: { readonly facts: Facts; readonly digest: string }): Promise<Outcome> {
    const { place, states } = this.#options;
    const done = (): Outcome => ({ kind: 'done', stat: statOfFile(written, states.note(key, written, digest, place.host.now())) });
    const stale = async (now: Facts | undefined): Promise<Outcome> => ({ kind: 'stale', found: await this.#found(connection, key, now) });
    if (expect && 'absent' in expect) {
      const claimed = await draft.claim(path);
      if (claimed === 'taken') return stale(await lookAt(connection, path));
      return claimed === 'done' ? done() : { ...done(), unguarded: true } as Outcome;
    }
    if (expect) {
      const now = await lookAt(connection, path);
      if (!isSame(now, facts)) return stale(now);
    }
    await draft.replace(path, await draftPath(connection, place, key, place.host));
    return expect ? { ...done(), unguarded: true } as Outcome : done();
  }

  /** What is made is a link, and never anything that one leads to. */
  async #putLink(connection: Connection, { entry, expect }: Put, head: Uint8Array, call: Call): Promise<Outcome> {
    const { place } = this.#options;
    const { key } = entry;
    const target = await linkTarget(connection, place, key, head);
    const { path, facts, stale } = await this.#look(connection, key, call.parents, expect);
    if (stale) return stale;
    if (facts?.kind === 'link' && await readLink(connection, path) === target) return this.#same(connection, path, facts, entry, head);
    await call.parents.make(connection, key);
    const isFirst = expect !== undefined && 'absent' in expect;
    const made = isFirst ? path : await draftPath(connection, place, key, place.host);
    try {
      await makeLink(connection, target, made);
    } catch (cause) {
      const now = isFirst && isFailure(cause) ? await lookAt(connection, path) : undefined;
      if (!now) throw cause;
      return { kind: 'stale', found: await this.#found(connection, key, now) };
    }
    const time = timeOf(entry);
    if (time !== undefined) await setLink(connection, made, { atime: secondsOf(time), mtime: secondsOf(time) });
    if (!isFirst && !await replace(connection, made, path)) {
      await remove(connection, made);
      throw new SyncError('unsupported', `${place.shown(key)} cannot be replaced by a link: the server cannot do that in one step`, { key, hint: 'remove it by hand' });
    }
    const now = await lookAt(connection, path);
    return { kind: 'done', stat: now?.kind === 'link' ? statOfFile(now) : {}, ...(expect && !isFirst ? { unguarded: true } : {}) };
  }

  async #delete(connection: Connection, { ref: { key }, expect }: Write & { readonly kind: 'delete' }, call: Call, trace: Trace): Promise<Outcome> {
    const { path, facts, stale } = await this.#look(connection, key, call.parents, expect);
    if (stale) return stale;
    if (facts) {
      trace.landed = 'gone';
      // Even if no answer comes, it may well be gone.
      call.emptied.add(parentOf(key));
      await remove(connection, path);
    }
    return { kind: 'done', stat: {}, ...(expect && facts ? { unguarded: true } : {}) };
  }

  /** What is at `key` now. Throws when it is no entry, or is reached through a link. */
  async #look(connection: Connection, key: Key, parents: Parents, expect: Expectation | undefined): Promise<Standing> {
    const { place, states } = this.#options;
    const above = await parents.above(connection, key);
    if (above === 'link' || above === 'file') throw obstructed(place.shown(parentOf(key)), above);
    const path = await place.pathOf(connection, key);
    const facts = above === 'directory' ? await lookAt(connection, path) : undefined;
    if (facts && facts.kind !== 'file' && !(facts.kind === 'link' && place.links === 'keep')) {
      throw new SyncError('invalid', `${place.shown(key)} is ${facts.kind === 'directory' ? 'a directory' : facts.kind === 'link' ? 'a symbolic link' : 'a special file'} where a file is needed`, { key, hint: 'move it away' });
    }
    if (expect && !await meets(connection, states, key, facts, expect)) return { path, stale: { kind: 'stale', found: await this.#found(connection, key, facts) } };
    return facts ? { path, facts } : { path };
  }

  async #found(connection: Connection, key: Key, facts: Facts | undefined): Promise<Entry | undefined> {
    const { place, states } = this.#options;
    if (!facts) return undefined;
    const entry = { key, place: place.shown(key), ...statOfFile(facts, await states.digestOf(connection, key, facts)), attributes: attributesOf(facts) };
    if (facts.kind === 'file') return { ...entry, content: this.#blobOf(key, facts) };
    return facts.kind === 'link' ? { ...entry, content: heldBlob(Buffer.from(await readLink(connection, await place.pathOf(connection, key)))) } : entry;
  }

  #blobOf(key: Key, facts: Facts): Content & { readonly kind: 'blob' } {
    const { place } = this.#options;
    return fileBlob({ place, path: (connection) => place.pathOf(connection, key), facts, about: place.about('read', key) });
  }

  /** The entry holds what it should already. Its time and mode are set where others were asked for. */
  async #same(connection: Connection, path: string, facts: Facts, entry: Entry, bytes: Uint8Array): Promise<Outcome> {
    const { states, place } = this.#options;
    const time = timeOf(entry);
    const modified = time !== undefined && secondsOf(time) !== facts.modified ? secondsOf(time) : undefined;
    const wanted = facts.kind === 'file' ? entry.attributes?.mode : undefined;
    const mode = wanted !== undefined && (wanted & 0o777) !== ((facts.mode ?? 0) & 0o777) ? wanted & 0o777 : undefined;
    const times = modified !== undefined && { atime: modified, mtime: modified };
    if (facts.kind === 'link') {
      if (times) await setLink(connection, path, times);
    } else if (times || mode !== undefined) await set(connection, path, { ...times, ...(mode !== undefined && { mode }) });
    const now = times ? (await lookAt(connection, path)) ?? facts : facts;
    return { kind: 'done', stat: statOfFile(now, states.note(entry.key, now, digestOfBytes(bytes), place.host.now())) };
  }

  async #draft(connection: Connection, key: Key, parents: Parents, closed: boolean): Promise<Draft> {
    const { place } = this.#options;
    const create = async (): Promise<Draft> => {
      await parents.make(connection, key);
      return Draft.create(connection, place.flow, await draftPath(connection, place, key, place.host), { closed });
    };
    try {
      return await create();
    } catch (cause) {
      if (!isMissing(cause)) throw cause;
      // Another batch deleted the last file of the directory, and the directory with it.
      parents.forget();
      return create();
    }
  }

  /** Removes a directory that holds nothing any more, and those above it, but not the root. */
  async #prune(directory: Key): Promise<void> {
    const { place } = this.#options;
    try {
      for (let at = directory; at !== ''; at = parentOf(at)) {
        await place.session.run(place.about('remove', at), async (connection) => removeDirectory(connection, await place.pathOf(connection, at)));
      }
    } catch {
      // Servers do not say why; mostly because something is still in there.
      return;
    }
  }
}

interface Beginning {
  readonly head: Uint8Array;
  readonly rest?: AsyncIterable<Uint8Array> | undefined;
}

/** The content up to about {@link smallBytes}, and what comes after where there is more. */
async function beginning(content: Content & { readonly kind: 'blob' }): Promise<Beginning> {
  const chunks: Uint8Array[] = [];
  const iterator = content.bytes()[Symbol.asyncIterator]();
  let size = 0;
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    chunks.push(next.value);
    size += next.value.length;
    if (size > smallBytes) return { head: Buffer.concat(chunks, size), rest: { [Symbol.asyncIterator]: () => iterator } };
  }
  return { head: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size) };
}

/** What the file was before it was copied counts for more than what its store says of the copy. */
function timeOf({ attributes, modifiedAt }: Entry): Micros | undefined {
  return attributes?.modifiedAt ?? modifiedAt;
}

function tooLong(key: Key): never {
  throw new SyncError('invalid', `the link ${key} is not made, because what it is to lead to is not a path`, { key, hint: 'make it by hand if it is meant' });
}

async function meets(connection: Connection, states: States, key: Key, found: Facts | undefined, expect: Expectation): Promise<boolean> {
  if ('absent' in expect) return found === undefined;
  if ('version' in expect) return found !== undefined && states.isAt(connection, key, found, expect.version);
  return found === undefined || found.modified * 1e6 < expect.older;
}
