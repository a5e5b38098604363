import { HttpFailure } from '../../lib/http/http-failure.ts';
import { Limit } from '../../lib/limit.ts';
import { SyncError } from '../../model/errors.ts';
import { pathOf } from './client.ts';
import type { SwiftContext } from './context.ts';
import type { About, SwiftAnswer } from './failure.ts';

/** An object to be deleted. */
export interface Target {
  readonly container: string;
  readonly name: string;
}

/** Deletions under way at once that are not bundled. */
const mostAlone = 8;

/** Deletes objects that have no segments, many in one request where the server does that. One error for each that is still there, in order. */
export async function deleteNames(context: SwiftContext, targets: readonly Target[], signal: AbortSignal | undefined): Promise<readonly (SyncError | undefined)[]> {
  const { bulkDeletes } = targets.length > 1 ? await context.client.ability(signal) : { bulkDeletes: 0 };
  const errors = new Map<Target, SyncError | undefined>();
  const alone: Target[] = bulkDeletes > 1 ? [] : [...targets];
  for (let at = 0; bulkDeletes > 1 && at < targets.length; at += bulkDeletes) {
    const some = targets.slice(at, at + bulkDeletes);
    const left = await deleteTogether(context, some, signal);
    // What the server did not say it has deleted is deleted by itself, which tells why it cannot be.
    if (left instanceof SyncError) for (const target of some) errors.set(target, left);
    else alone.push(...left);
  }
  const limit = new Limit(mostAlone);
  for (const target of alone) await limit.add(async () => void errors.set(target, await deleteAlone(context, target, signal)));
  await limit.drain();
  return targets.map((target) => errors.get(target));
}

/** Deletes a large object and its segments. */
export async function deleteLarge(context: SwiftContext, { container, name }: Target, signal: AbortSignal | undefined): Promise<SyncError | undefined> {
  const about = aboutTarget(context, { container, name });
  try {
    const answer = await context.client.request({ method: 'DELETE', path: pathOf(container, name), query: 'multipart-manifest=delete', headers: { accept: 'application/json' }, wanted: [200, 204, 404], about, signal });
    if (answer.status !== 200) return undefined;
    const { errors, deleted, missing } = reportOf(answer.body);
    return errors.length === 0 && deleted + missing > 0 ? undefined : new SyncError('unavailable', `cannot delete ${about.place}: ${errors.length} of its segments cannot be deleted`, { ...about.details, hint: 'check what this user may do with the container of the segments' });
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    return error;
  }
}

async function deleteAlone(context: SwiftContext, { container, name }: Target, signal: AbortSignal | undefined): Promise<SyncError | undefined> {
  try {
    await context.client.request({ method: 'DELETE', path: pathOf(container, name), wanted: [200, 202, 204, 404], about: aboutTarget(context, { container, name }), signal });
    return undefined;
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    return error;
  }
}

/** Those of `targets` that the answer does not account for; an error where asking for each would lead to the same one. */
async function deleteTogether(context: SwiftContext, targets: readonly Target[], signal: AbortSignal | undefined): Promise<readonly Target[] | SyncError> {
  const body = Buffer.from(targets.map(({ container, name }) => pathOf(container, name)).join('\n'));
  let answer: SwiftAnswer;
  try {
    answer = await context.client.request({
      method: 'POST', query: 'bulk-delete', headers: { 'content-type': 'text/plain', accept: 'application/json' }, body: () => body, wanted: [200], about: context.about('delete from'), signal,
    });
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    const { cause } = error.details;
    return error.retryable && !(cause instanceof HttpFailure && cause.kind === 'broken') ? error : targets;
  }
  const { errors, deleted, missing } = reportOf(answer.body);
  if (deleted + missing + errors.length !== targets.length) return targets;
  const failed = new Set(errors);
  const left = targets.filter(({ container, name }) => failed.has(`/${container}/${name}`));
  return left.length === errors.length ? left : targets;
}

interface Report {
  readonly deleted: number;
  readonly missing: number;
  /** The paths of what could not be deleted. */
  readonly errors: readonly string[];
}

function reportOf(body: Buffer): Report {
  try {
    const report = JSON.parse(body.toString()) as { readonly [name: string]: unknown };
    const errors = Array.isArray(report['Errors']) ? (report['Errors'] as readonly unknown[]) : [];
    return { deleted: Number(report['Number Deleted'] ?? 0), missing: Number(report['Number Not Found'] ?? 0), errors: errors.map((error) => decoded(String(Array.isArray(error) ? error[0] : error))) };
  } catch {
    // An answer that broke off accounts for nothing.
    return { deleted: 0, missing: 0, errors: [] };
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function aboutTarget(context: SwiftContext, { container, name }: Target): About {
  const own = container === context.container && name.startsWith(context.prefix);
  return own ? context.about('delete', name.slice(context.prefix.length)) : { doing: 'delete', place: `swift://${container}/${name}`, details: { store: context.name } };
}
