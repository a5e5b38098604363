import type { Store } from '../../model/store.ts';

/** What a store is and does apart from its entries, for a store that is made of it to be and do as well. */
export function passedOn(store: Store): Pick<Store, 'name' | 'identity' | 'realm' | 'watch' | 'fingerprint' | 'clock' | 'estimate' | 'describe' | 'prepare' | 'checkPrepare' | 'foresee' | 'references' | 'covers' | typeof Symbol.asyncDispose> {
  const { name, identity, realm, watch, fingerprint, clock, estimate, describe, prepare, checkPrepare, foresee, references, covers } = store;
  return {
    name, identity,
    ...(realm !== undefined && { realm }),
    ...(watch && { watch: watch.bind(store) }),
    ...(fingerprint && { fingerprint: fingerprint.bind(store) }),
    ...(clock && { clock: clock.bind(store) }),
    ...(estimate && { estimate: estimate.bind(store) }),
    ...(describe && { describe: describe.bind(store) }),
    ...(prepare && { prepare: prepare.bind(store) }),
    ...(checkPrepare && { checkPrepare: checkPrepare.bind(store) }),
    ...(foresee && { foresee: foresee.bind(store) }),
    ...(references && { references: references.bind(store) }),
    ...(covers && { covers: covers.bind(store) }),
    [Symbol.asyncDispose]: async () => await store[Symbol.asyncDispose](),
  };
}
