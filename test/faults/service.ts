import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { plainHost } from '../../src/model/plain-host.ts';
import type { Store } from '../../src/model/store.ts';
import { kind as swift } from '../../src/stores/swift/kind.ts';
import { newBucket, openS3, s3Server } from '../services/s3.ts';
import { sharedSwift } from '../services/swift.ts';

/** What lies somewhere: the digest of its bytes, by key. */
export type Held = ReadonlyMap<string, string>;

/** A bucket or container of its own on a real server. */
export interface Service {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly environment: { readonly [name: string]: string };
  /** Bytes of a file that goes up in parts. */
  readonly largeBytes: number;
  /** How the command line and the library call it where the server is reached by another origin. */
  endpoint(origin: string): string;
  /** Opens it, without what is in between. */
  open(): Promise<Store>;
  /** What it really holds, but for what buckets are tried with. */
  held(): Promise<Held>;
  /** The key that the path of a request is about. */
  keyOf(path: string): string;
  /** Names of what nobody needs any more. */
  litter(): Promise<readonly string[]>;
  /** Keys, out of some, whose uploads the server still waits to see completed. */
  unfinished(keys: readonly string[]): Promise<readonly string[]>;
}

/** Services by name. */
export type ServiceName = 's3' | 'swift';

const mebibyte = 1024 * 1024;
/** The digest of some bytes. */
export function digestOf(bytes: string | Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

/** What a folder holds. It may be changing. */
export function heldIn(folder: string, isOurs: (path: string) => boolean): Held {
  if (!existsSync(folder)) return new Map();
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => path.split(sep).join('/')).filter((path) => isOurs(path) && statSync(join(folder, path), { throwIfNoEntry: false })?.isFile());
  return new Map(paths.map((path) => [path, digestOf(readFileSync(join(folder, path)))]));
}

/** A new bucket or container. */
export async function newPlace(name: ServiceName): Promise<Service> {
  return name === 's3' ? await bucketOnS3() : await containerOnSwift();
}

async function bucketOnS3(): Promise<Service> {
  const { endpoint: server, folder, environment } = await s3Server();
  const bucket = newBucket();
  const objects = join(folder, bucket);
  return {
    origin: server, environment, largeBytes: 12 * mebibyte,
    endpoint: (origin) => `s3://${bucket}?endpoint=${origin}&create=true&multipartFrom=${6 * mebibyte}&partSize=${5 * mebibyte}&maxAttempts=4`,
    open: () => openS3(bucket, {}, { ...plainHost, environment }),
    held: async () => heldIn(objects, (path) => !path.startsWith('.sgwtmp') && !path.startsWith('.syncline-')),
    keyOf: (path) => decodeURIComponent(path.split('/').slice(2).join('/')),
    litter: async () => readdirSync(objects).filter((name) => name.startsWith('.syncline-')),
    // The server keeps them under a digest of the key.
    unfinished: async (keys) => keys.filter((key) => existsSync(join(objects, '.sgwtmp', 'multipart', createHash('sha256').update(key).digest('hex')))),
  };
}

interface Row {
  readonly name: string;
  readonly hash: string;
  readonly slo_etag?: string;
}

async function containerOnSwift(): Promise<Service> {
  const { environment, storageUrl, token } = await (access ??= letIn());
  const container = newBucket();
  const { origin, pathname } = new URL(storageUrl);
  const ask = async (path: string): Promise<Response> => {
    const answer = await fetch(`${storageUrl}/${path}`, { headers: { 'x-auth-token': token } });
    if (!answer.ok && answer.status !== 404) throw new Error(`Swift answered ${answer.status} to ${path}`);
    return answer;
  };
  const rows = async (of: string): Promise<readonly Row[]> => {
    const all: Row[] = [];
    for (;;) {
      const answer = await ask(`${of}?format=json&marker=${encodeURIComponent(all.at(-1)?.name ?? '')}`);
      const page = answer.status === 404 ? [] : await answer.json() as readonly Row[];
      if (page.length === 0) return all;
      all.push(...page);
    }
  };
  return {
    origin, environment, largeBytes: 3 * mebibyte,
    endpoint: (by) => `swift://${container}?storageUrl=${by}${pathname}&create=true&missing=empty&segmentSize=${mebibyte}&maxAttempts=4`,
    open: async () => await swift.open(`swift://${container}`, { create: true, missing: 'empty' }, { ...plainHost, environment }) as Store,
    async held() {
      const held = new Map<string, string>();
      for (const { name, hash, slo_etag: large } of await rows(container)) {
        held.set(name, large === undefined ? hash : digestOf(new Uint8Array(await (await ask(`${container}/${name}`)).arrayBuffer())));
      }
      return held;
    },
    keyOf: (path) => decodeURIComponent(path.split('/').slice(4).join('/')),
    async litter() {
      const used = new Set<string>();
      for (const { name, slo_etag: large } of await rows(container)) {
        if (large === undefined) continue;
        for (const segment of await (await ask(`${container}/${name}?multipart-manifest=get`)).json() as readonly Row[]) used.add(segment.name);
      }
      return (await rows(`${container}_segments`)).map(({ name }) => name).filter((name) => !used.has(`/${container}_segments/${name}`));
    },
    // A manifest is there or not; segments without one are litter.
    unfinished: async () => [],
  };
}

let access: Promise<{ readonly environment: Service['environment']; readonly storageUrl: string; readonly token: string }> | undefined;

async function letIn(): Promise<{ readonly environment: Service['environment']; readonly storageUrl: string; readonly token: string }> {
  const { environment } = await sharedSwift();
  const { headers } = await fetch(environment['ST_AUTH']!, { headers: { 'x-auth-user': environment['ST_USER']!, 'x-auth-key': environment['ST_KEY']! } });
  return { environment, storageUrl: headers.get('x-storage-url')!, token: headers.get('x-auth-token')! };
}
