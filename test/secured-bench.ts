import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Folder, runCommand } from './acceptance/command.ts';
import type { Ended } from './acceptance/command.ts';
import { selfSigned } from './self-signed.ts';

/** A folder with one record to carry, and a certificate. */
export class Bench extends Folder {
  readonly certificate: string;
  readonly #key: string;

  constructor(kind?: Parameters<typeof selfSigned>[0]) {
    super();
    const { key, cert } = selfSigned(kind);
    this.certificate = join(this.path, 'authority.pem');
    writeFileSync(this.certificate, cert);
    this.#key = key;
    mkdirSync(join(this.path, 'here', 'things'), { recursive: true });
    writeFileSync(join(this.path, 'here', 'things', '1.yaml'), 'id: 1\nat: 2015-01-31T00:00:00Z\n');
  }

  /** The key and the certificate of a server. */
  get keys(): { readonly key: string; readonly cert: string } {
    return { key: this.#key, cert: readFileSync(this.certificate, 'utf8') };
  }

  /** Keeps the folder and a place in step. */
  async merge(place: string, environment: { readonly [name: string]: string }): Promise<Ended> {
    return await runCommand('syncline', ['merge', '--newest', '--modified', 'at', '--full', './here', place], { cwd: this.path, environment });
  }

  /** Sees that a run was refused, with a reason and without the secrets. */
  async refuses(place: string, environment: { readonly [name: string]: string }, reason: RegExp, exit = 3): Promise<void> {
    const { code, stdout, stderr } = await this.merge(place, environment);
    assert.match(stderr, reason);
    assert.equal(code, exit, stderr);
    for (const [name, value] of Object.entries(environment)) if (/PASSWORD|PWD|KEY/.test(name)) assert.ok(!`${stdout}${stderr}`.includes(value), 'a secret is told');
  }
}
