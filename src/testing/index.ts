/** For whoever writes a store: the laws it must keep, stores that misbehave on purpose, and input to try both with. */
export { testStore, wrapped } from './test-store.ts';
export type { Test } from './test-store.ts';
export type { Sample, Subject } from './bench.ts';
export { groups } from './laws.ts';
export type { Laws } from './laws.ts';
export { wrap } from './wrap.ts';
export { faulty } from './faulty.ts';
export type { Fault, Faults, FaultyOptions } from './faulty.ts';
export { fakeHost } from './fake-host.ts';
export { seededRandom } from './random.ts';
export type { Random } from './random.ts';
export { awkwardNames, awkwardValues, bytesFrom, documentFrom, keyFrom, nested, valueFrom } from './generators.ts';
export { MemoryStore } from '../stores/memory/memory-store.ts';
export type { Facts, MemoryChange, MemoryStoreOptions } from '../stores/memory/memory-store.ts';
