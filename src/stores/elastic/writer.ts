import { isDocument } from '../../model/document.ts';
import type { Document } from '../../model/document.ts';
import type { Entry, Stat } from '../../model/entry.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import type { FailureCode } from '../../model/errors.ts';
import { LateDigest, LateDocument } from '../../model/late-document.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { Expectation, Outcome, Write } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import { Busy, explained, isBusy } from './failure.ts';
import type { Cause } from './failure.ts';
import { lookUp, readEntries } from './lookup.ts';
import { documentsIn, partsOfVersion, versionOf } from './place.ts';
import type { OpenIndex, Place } from './place.ts';
import { sourceText } from './source-json.ts';

/** Bytes of one request, at first. Some services take no more than ten million, and what stands before a server may take far less. */
const mostBulkBytes = 4 * 1024 * 1024;
/** How often a write is tried that lost against another writer, and must look again. Each time somebody else has won. */
const mostRounds = 100;
const bulkPath = '/_bulk?filter_path=items.*.status,items.*._seq_no,items.*._primary_term,items.*.error';

/** Under what condition the server itself is to write: nothing is there, or exactly this state is. */
type Condition = 'none' | 'absent' | { readonly sequence: number; readonly term: number };

/** One write on its way. */
interface Task {
  /** Its place in the batch. */
  readonly at: number;
  readonly write: Write;
  readonly index: OpenIndex;
  readonly id: string;
  /** What is written; absent for a deletion. */
  readonly source?: string;
  readonly stat: Stat;
  condition: Condition;
  /** How often the server failed to do it. */
  refused: number;
  /** When the server had too much to do for the first time. */
  busyMs?: number;
  /** Whether what got in its way may be what was sent before, the answer to which was lost. */
  resent: boolean;
}

/** What became of one try: an answer, that another writer was faster, that the server had too much to do, what may be otherwise soon, or what went wrong. */
type Tried =
  | { readonly kind: 'done'; readonly stat: Stat }
  | { readonly kind: 'conflict'; /** Whether an earlier sending may have been what got in the way. */ readonly resent: boolean }
  | { readonly kind: 'busy' | 'refused' | 'failed'; readonly error: SyncError };

/** Writes batches: one request for a batch, in which the server decides on each write by itself. */
export class ElasticWriter {
  readonly #place: Place;
  /** The field that is looked up to tell which of two is older. */
  readonly #modified: string | undefined;
  #bulkBytes = mostBulkBytes;

  constructor(place: Place, modified: string | undefined) {
    this.#place = place;
    this.#modified = modified;
  }

  async write(batch: readonly Write[], signal: AbortSignal | undefined): Promise<readonly Outcome[]> {
    const outcomes: (Outcome | undefined)[] = batch.map(() => undefined);
    let tasks: Task[] = [];
    if (batch.length === 0) return [];
    const indices = await this.#place.indicesFor(batch.map(keyOfWrite), signal);
    for (const [at, write] of batch.entries()) {
      const task = this.#taskFor(at, write, indices);
      if ('kind' in task) outcomes[at] = task;
      else tasks.push(task);
    }
    const stale: Task[] = [];
    for (let round = 1; tasks.length > 0; round++) {
      const ready = await this.#ready(tasks, { outcomes, stale, signal });
      tasks = [];
      for (const [task, tried] of await this.#send(ready, signal)) {
        if (tried.kind === 'conflict' && tried.resent) task.resent = true;
        if (tried.kind === 'done') outcomes[task.at] = { kind: 'done', stat: tried.stat };
        else if (tried.kind === 'conflict' && expectOf(task).older === undefined) stale.push(task);
        else if (tried.kind === 'conflict' && round < mostRounds) tasks.push(task);
        else outcomes[task.at] = { kind: 'failed', error: tried.kind === 'conflict' ? this.#contended(task) : tried.error };
      }
    }
    await this.#settle(stale, outcomes, signal);
    return outcomes.map((outcome, i) => outcome ?? { kind: 'failed', error: new SyncError('internal', `${this.#place.name}: ${keyOfWrite(batch[i]!)} was left without an answer`) });
  }

  /** What would become of writes, as far as that can be told without sending them. An index that is missing may yet be made. */
  async foresee(batch: readonly Write[], signal: AbortSignal | undefined): Promise<readonly Outcome[]> {
    const indices = await this.#place.indicesFor(batch.map(keyOfWrite), signal);
    return batch.map((write, at) => {
      const task = this.#taskFor(at, write, indices);
      return 'kind' in task && task.kind === 'failed' && task.error.code !== 'not-found' ? task : { kind: 'done', stat: {} };
    });
  }

  /** What is to be sent; or the answer, where there is nothing to send. */
  #taskFor(at: number, write: Write, indices: ReadonlyMap<string, OpenIndex>): Task | Outcome {
    const place = this.#place;
    const ref = write.kind === 'put' ? write.entry : write.ref;
    const { key } = ref;
    const refused = (code: FailureCode, why: string, hint: string): Outcome => ({ kind: 'failed', error: new SyncError(code, `cannot write ${place.name}: ${key}: ${why}`, { store: place.name, key, hint }) });
    const flaw = place.flawOf(ref);
    if (flaw) return { kind: 'failed', error: flaw };
    if (write.kind === 'put' && write.entry.content.kind !== 'document') return refused('unsupported', 'it is no document', 'have it read as one');
    const { collection, id } = place.partsOf(key);
    const index = indices.get(collection);
    if (!index) {
      if (write.kind === 'put') return refused('not-found', `there is no index for ${JSON.stringify(collection)}`, 'make one, or let it be made');
      return write.expect && 'version' in write.expect ? { kind: 'stale', found: undefined } : { kind: 'done', stat: {} };
    }
    if (index.flaw !== undefined) return refused('unsupported', `${collection} is no collection: ${index.flaw}`, 'leave it out, or name another place');
    const condition = write.expect && 'absent' in write.expect ? 'absent' : 'none';
    const task = { at, write, index, id, condition, refused: 0, resent: false } as const;
    if (write.kind === 'delete' || write.entry.content.kind !== 'document') return { ...task, stat: {} };
    const { content, modifiedAt } = write.entry;
    try {
      if (content instanceof LateDocument && !index.modified) return { ...task, source: content.text, stat: { digest: new LateDigest(content) } };
      const document = index.modified?.filled(content.document, modifiedAt) ?? content.document;
      const time = index.modified?.of(document);
      return { ...task, source: sourceText(document, index.bytes), stat: { digest: digestDocument(document), ...(time !== undefined && { modifiedAt: time }) } };
    } catch (error) {
      const { code, message, details: { hint = 'change the document' } } = toSyncError(error);
      return refused(code, message, hint);
    }
  }

  /** The writes that may be sent, each under the condition that its expectation comes down to at this moment. */
  async #ready(tasks: readonly Task[], { outcomes, stale, signal }: { readonly outcomes: (Outcome | undefined)[]; readonly stale: Task[]; readonly signal: AbortSignal | undefined }): Promise<readonly Task[]> {
    const looked = tasks.filter((task) => expectOf(task).older !== undefined || (task.source === undefined && task.condition === 'absent'));
    const unknown = new Set<Task>();
    const found = looked.length === 0 ? [] : await lookUp(this.#place, looked, { fields: this.#modified === undefined ? [] : [this.#modified], signal }).catch((cause: unknown) => {
      signal?.throwIfAborted();
      for (const task of looked) {
        unknown.add(task);
        outcomes[task.at] = { kind: 'failed', error: toSyncError(cause) };
      }
      return [];
    });
    const current = new Map(looked.map((task, i) => [task, found[i]]));
    return tasks.filter((task) => {
      if (unknown.has(task)) return false;
      const { older, version } = expectOf(task);
      const there = current.get(task);
      if (version !== undefined) {
        const parts = partsOfVersion(version, task.index);
        if (!parts) stale.push(task);
        else task.condition = parts;
        return parts !== undefined;
      }
      if (!current.has(task)) return true;
      if (there && (older === undefined || !isOlder(task.index, there, older))) {
        stale.push(task);
        return false;
      }
      // Nothing is there, and to be nothing is all that is asked of it.
      if (!there && task.source === undefined) {
        outcomes[task.at] = { kind: 'done', stat: {} };
        return false;
      }
      task.condition = there ? { sequence: Number(there['_seq_no']), term: Number(there['_primary_term']) } : 'absent';
      return true;
    });
  }

  /** Sends writes in as few requests as their size allows and the server has room for, and those again that it may do later. */
  async #send(tasks: readonly Task[], signal: AbortSignal | undefined): Promise<readonly (readonly [Task, Tried])[]> {
    const { client } = this.#place;
    const tried: (readonly [Task, Tried])[] = [];
    let waiting = tasks;
    for (let at = 0; at < waiting.length;) {
      const most = client.writes.shareOf(this.#bulkBytes);
      const some: Task[] = [];
      let body = '';
      for (; at < waiting.length; at++) {
        const lines = linesFor(waiting[at]!);
        if (some.length > 0 && body.length + lines.length > most) break;
        some.push(waiting[at]!);
        body += lines;
      }
      const again: Task[] = [];
      let failed = 0;
      for (const [task, one] of await this.#bulk(some, body, signal)) {
        const busy = one.kind === 'busy' && !client.writes.isOver(task.busyMs ??= client.host.now());
        if (one.kind === 'refused' && ++task.refused < client.maxAttempts) failed = Math.max(failed, task.refused);
        else if (!busy) {
          tried.push([task, one]);
          continue;
        }
        again.push(task);
      }
      if (again.length === 0) continue;
      [waiting, at] = [[...again, ...waiting.slice(at)], 0];
      // Who is busy is waited for by the next request.
      if (failed > 0) await client.pause(failed, signal);
    }
    return tried;
  }

  async #bulk(tasks: readonly Task[], body: string, signal: AbortSignal | undefined): Promise<readonly (readonly [Task, Tried])[]> {
    const place = this.#place;
    try {
      const { status, body: answer, attempts } = await place.client.request({ path: bulkPath, body, lines: true, divisible: true, wanted: [413], about: place.about('write'), signal });
      if (status === 413) return await this.#inParts(tasks, body, signal);
      const items = documentsIn(answer['items']).map((item) => Object.values(item)[0]);
      if (items.length !== tasks.length) throw new SyncError('unavailable', `cannot write ${place.name}: the server answers ${items.length} of ${tasks.length} writes`, { store: place.name, hint: 'run again' });
      const tried = tasks.map((task, i) => {
        const item = items[i];
        return [task, this.#triedBy(task, isDocument(item) ? item : {}, attempts > 1)] as const;
      });
      this.#tell(tried);
      return tried;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Busy) {
        return tasks.map((task) => {
          // Before that the answer to it may have been lost, and what stands before a server may not know what became of it.
          task.resent = true;
          return [task, { kind: 'busy', error }];
        });
      }
      // Nobody knows which of them were done: each is a failure, and the batch is none that never happened.
      return tasks.map((task) => [task, { kind: 'failed', error: toSyncError(error) }]);
    }
  }

  /** Has what was done of a request and what the server had no room for determine how much is sent next, and when. */
  #tell(tried: readonly (readonly [Task, Tried])[]): void {
    const { writes } = this.#place.client;
    if (tried.some(([, { kind }]) => kind === 'done' || kind === 'conflict')) writes.progressed();
    for (const [, one] of tried) {
      if (one.kind !== 'busy') continue;
      const { code, message, details: { key: _, ...details } } = one.error;
      return writes.refused(new Busy(code, message, details), message);
    }
  }

  /** Sends what was too much for one request in two; none of it was done. */
  async #inParts(tasks: readonly Task[], body: string, signal: AbortSignal | undefined): Promise<readonly (readonly [Task, Tried])[]> {
    if (tasks.length === 1) return tasks.map((task) => [task, this.#triedBy(task, { status: 413 }, false)]);
    this.#bulkBytes = Math.min(this.#bulkBytes, Math.ceil(body.length / 2));
    return await this.#send(tasks, signal);
  }

  #triedBy(task: Task, item: Document, resent: boolean): Tried {
    const status = Number(item['status']);
    // What is not there to be deleted is as good as deleted, unless it had to be there.
    if (status === 200 || status === 201 || (status === 404 && task.source === undefined && item['error'] === undefined)) {
      return { kind: 'done', stat: task.source === undefined ? {} : { version: versionOf(item, task.index), ...task.stat } };
    }
    const cause: Cause = isDocument(item['error']) ? item['error'] as Cause : {};
    if (status === 409 && cause.type === 'version_conflict_engine_exception') return { kind: 'conflict', resent };
    const key = keyOfWrite(task.write);
    const { code, why, hint } = explained(status, cause);
    const isWaitedFor = isBusy(status, cause);
    // What is said of the server goes for every write; and who was waited for patiently need not be asked again.
    const error = new SyncError(code, `cannot write ${this.#place.name}: ${isWaitedFor ? '' : `${key}: `}${why}`, { store: this.#place.name, key, hint, ...(isWaitedFor && { attempts: task.refused + 1 }) });
    return { kind: isWaitedFor ? 'busy' : error.retryable ? 'refused' : 'failed', error };
  }

  /** Answers those whose expectation did not hold with what is there, and finds out whether it is what was sent, once before. */
  async #settle(tasks: readonly Task[], outcomes: (Outcome | undefined)[], signal: AbortSignal | undefined): Promise<void> {
    if (tasks.length === 0) return;
    let found: readonly (Entry | undefined)[];
    try {
      found = await readEntries(this.#place, tasks.map(({ write }) => ({ key: keyOfWrite(write) })), signal);
    } catch (cause) {
      signal?.throwIfAborted();
      for (const { at } of tasks) outcomes[at] = { kind: 'failed', error: toSyncError(cause) };
      return;
    }
    for (const [i, task] of tasks.entries()) {
      const there: Entry | undefined = found[i];
      const isSent = task.resent && there?.digest?.value === task.stat.digest?.value;
      outcomes[task.at] = isSent ? { kind: 'done', stat: there ? { version: there.version!, ...task.stat } : {} } : { kind: 'stale', found: there };
    }
  }

  #contended({ write }: Task): SyncError {
    const key = keyOfWrite(write);
    return new SyncError('conflict', `cannot write ${this.#place.name}: ${key}: others write it all the time`, { store: this.#place.name, key, hint: 'run again' });
  }
}

function expectOf({ write }: Task): { readonly older?: number; readonly version?: string } {
  const expect: Expectation | undefined = write.expect;
  return expect && !('absent' in expect) ? expect : {};
}

/** Whether what is there is known to be from before a time. */
function isOlder({ modified }: OpenIndex, there: Document, time: number): boolean {
  const source = there['_source'];
  const stored = isDocument(source) ? modified?.of(source) : undefined;
  return stored !== undefined && stored < time;
}

function linesFor({ index, id, source, condition }: Task): string {
  const state = typeof condition === 'object' ? `,"if_seq_no":${condition.sequence},"if_primary_term":${condition.term}` : '';
  const verb = source === undefined ? 'delete' : condition === 'absent' ? 'create' : 'index';
  const line = `{"${verb}":{"_index":${JSON.stringify(index.target)},"_id":${JSON.stringify(id)}${state}}}\n`;
  return source === undefined ? line : `${line}${source}\n`;
}
