import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SyncError } from '../../model/errors.ts';
import type { Actor, ActorFlags, ActorModule } from './actor.ts';

/** A module that was found. */
export interface LoadedActor {
  /** As it was asked for. */
  readonly name: string;
  readonly module: ActorModule;
  /** The flags it takes beside those that every target has, and what they are for. */
  readonly flags: { readonly [name: string]: string };
}

/** What a target is opened with. */
export interface OpenActorOptions {
  readonly container: string;
  readonly prefix: string;
  readonly flags: ActorFlags;
}

/**
 * Loads the module of a target: a path from `directory`, or the name of a package that is installed there, with `#` and
 * the name of one export where that is the target. Throws `invalid` where there is no such module, or it is no target.
 */
export async function loadActor(name: string, directory: string): Promise<LoadedActor> {
  const [path = '', named] = name.split('#');
  const place = locate(path, directory);
  if (place === undefined) throw new SyncError('invalid', `there is no actor ${name}`, { hint: 'name s3, a module such as ./my-actor.js, or a package that is installed here' });
  let loaded: object;
  try {
    loaded = await import(place) as object;
  } catch (cause) {
    throw new SyncError('invalid', `the actor ${name} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, hint: 'mend its module' });
  }
  const module = exported(loaded, named);
  const flags = module?.flags ?? {};
  if (!module || (module.open === undefined && !isActor(module))) throw noActor(name);
  return { name, module, flags };
}

/** Opens a target. Throws `invalid` with what the target says is wrong with the flags. */
export async function openActor({ name, module }: LoadedActor, { container, prefix, flags }: OpenActorOptions): Promise<Actor> {
  const actor: Partial<Actor> = module.open ? await module.open(container, prefix, flags) : module;
  if (!isActor(actor)) throw noActor(name);
  const flaw = actor.validateFlags?.(flags);
  if (flaw) throw new SyncError('invalid', flaw, { store: name });
  return actor;
}

function noActor(name: string): SyncError {
  return new SyncError('invalid', `${name} is not an actor, because it does not have list, upload and delete`, { hint: 'export these three, or a function open that gives an object with them' });
}

function exported(loaded: object, named: string | undefined): ActorModule | undefined {
  const all = loaded as { readonly [name: string]: unknown };
  const found = named === undefined ? (isActor(loaded) || 'open' in loaded ? loaded : all['default']) : all[named];
  // A function by itself is what opens the target.
  if (typeof found === 'function') return { open: found as NonNullable<ActorModule['open']> };
  return typeof found === 'object' && found !== null ? found : undefined;
}

function isActor(found: Partial<Actor> | null | undefined): found is Actor {
  return typeof found?.list === 'function' && typeof found.upload === 'function' && typeof found.delete === 'function';
}

/** The URL of a module; `undefined` where there is none of that name. */
function locate(module: string, directory: string): string | undefined {
  const path = isAbsolute(module) ? module : resolve(directory, module);
  if (isAbsolute(module) || /^\.{1,2}\//.test(module) || isFile(path)) return isFile(path) ? pathToFileURL(path).href : undefined;
  try {
    return pathToFileURL(createRequire(join(directory, 'package.json')).resolve(module)).href;
  } catch {
    return undefined;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
