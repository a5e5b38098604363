import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** How much more room new values get than V8 begins with, which is 1 MiB, and how much they get at most where it grew while the program was loaded. */
const [roomier, room] = [8, 32 * 1024 * 1024];
/** Values that are made in one go, and goes at most, until there is more room. */
const [values, goes] = [20_000, 100];

/**
 * Keeps the memory of this process near to what is in use, for programs through which much passes and little stays.
 * Holds for all that runs in the process, so that only a program may ask for it, never a library.
 */
export function keepMemoryFlat(): void {
  // The space for old values grows by several times of what is in use before anybody looks for what is not; by half is enough.
  setFlagsFromString('--heap-growing-percent=50');
  // V8 lets the space for new values grow to the size of what it once had to copy, and a stream of pages makes it grow
  // to no use, up to 16 MiB and as much again. As small as it begins, though, it holds hardly more than the page in
  // hand, and most of the time goes into copying what is done with a moment later. It cannot be told a size any more once it
  // is there, so it is made to grow once, by holding more than it has room for, and then never again.
  const before = newSpaceBytes();
  setFlagsFromString(`--semi-space-growth-factor=${Math.max(1, Math.min(roomier, Math.floor(room / before)))}`);
  for (let go = 0, held: object[] = []; go < goes && before < room && newSpaceBytes() <= before; go++) held = [...held.slice(-values), ...Array.from({ length: values }, (_, i) => ({ i }))];
  setFlagsFromString('--semi-space-growth-factor=1');
}

function newSpaceBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}
