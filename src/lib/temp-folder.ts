import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of our own for as long as it is needed; created on first use, removed with everything in it when disposed. */
export class TempFolder implements Disposable {
  #path: string | undefined;
  #files = 0;

  /** A path in the folder that nothing uses yet. */
  file(): string {
    this.#path ??= mkdtempSync(join(tmpdir(), 'syncline-'));
    return join(this.#path, String(this.#files++));
  }

  [Symbol.dispose](): void {
    if (this.#path !== undefined) rmSync(this.#path, { recursive: true, force: true });
    this.#path = undefined;
  }
}
