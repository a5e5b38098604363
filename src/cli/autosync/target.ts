import { resolve } from 'node:path';
import type { State } from '../../engine/state/state.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Store } from '../../model/store.ts';
import { ActorStore } from '../../stores/actor/actor-store.ts';
import { openActor } from '../../stores/actor/load-actor.ts';
import type { LoadedActor } from '../../stores/actor/load-actor.ts';
import { openStore } from '../../stores/open.ts';
import type { ActorFlags } from '../../stores/actor/actor.ts';
import type { Mapping } from './mapping.ts';

export interface TargetOptions {
  readonly flags: ActorFlags;
  readonly container: string;
  readonly prefix: string;
  readonly threads: number;
  readonly directory: string;
  readonly state: State;
  /** Absent: the target is S3. */
  readonly actor: LoadedActor | undefined;
}

/** Opens what is written. A bucket is seen from the root of the mapping, an actor whole. */
export async function openTarget({ flags, container, prefix, threads, directory, state, actor }: TargetOptions, { root }: Mapping, host: Host): Promise<Store> {
  if (actor) {
    const opened = await openActor(actor, { container, prefix, flags });
    return new ActorStore(opened, { name: actor.name, identity: `actor:${resolve(directory, actor.name)} ${container}`, concurrency: threads });
  }
  if (container.includes('/') || container.includes('?')) throw new SyncError('invalid', `${JSON.stringify(container)} is not the name of a bucket`, { hint: 'write what comes after it as --target_prefix' });
  const location = `s3://${container}/${root.replaceAll('?', '%3F')}`;
  return await openStore({ kind: 's3', location }, { host, state, create: true, concurrency: threads }) as Store;
}
