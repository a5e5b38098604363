import { arch, cpus, platform, release, totalmem } from 'node:os';

/** What figures were measured on. */
export function machine(): { readonly [fact: string]: string | number | undefined } {
  return { platform: platform(), release: release(), arch: arch(), cpu: cpus()[0]?.model, cpus: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version };
}
