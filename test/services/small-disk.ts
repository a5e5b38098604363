// A disk that is soon full, for whoever may mount one.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder with room for little. */
export interface SmallDisk extends Disposable {
  readonly path: string;
  /** Gives it room for so many mebibytes. */
  resize(mebibytes: number): void;
}

/** Makes such a folder, for a user. */
export function smallDisk(mebibytes: number, owner: { readonly uid: number; readonly gid: number } = { uid: 0, gid: 0 }): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'syncline-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0700,uid=${owner.uid},gid=${owner.gid}`, 'tmpfs', path]);
  const unmount = (): void => {
    // A server may still be at it.
    spawnSync('umount', ['--lazy', path]);
    rmSync(path, { recursive: true, force: true });
  };
  process.once('exit', unmount);
  return {
    path,
    resize: (room) => void execFileSync('mount', ['-o', `remount,size=${room}m`, path]),
    [Symbol.dispose]() {
      process.off('exit', unmount);
      unmount();
    },
  };
}

/** Why there is none on this machine; false where there is one. For the `skip` of a test. */
export function withoutSmallDisks(): string | false {
  try {
    smallDisk(1)[Symbol.dispose]();
    return false;
  } catch {
    console.error('there are no small disks: only root may mount them');
    return 'only root may mount a small disk';
  }
}
