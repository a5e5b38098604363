import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { goProgram } from '../../scripts/go-program.ts';
import { pythonEnvironment } from '../../scripts/python.ts';
import type { Command } from '../measure.ts';

/** The server, as whoever signs in sees it. */
export interface Service {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

/** A program that makes a bucket hold what a directory holds. */
export interface Peer {
  readonly name: string;
  /** A command that deletes as well; what it remembers between runs it keeps in `memory`, a folder of its own. */
  sync(tree: string, bucket: string, service: Service, memory: string): Command;
}

/** The peers there are on this machine, and why others are not. */
export interface Peers {
  readonly found: readonly Peer[];
  readonly missing: readonly { readonly name: string; readonly why: string }[];
}

const versions = { rclone: 'v1.75.1', mc: 'v0.0.0-20250313080218-cf909e1063a9' };

/** Finds the peers, and installs those that can be. */
export async function findPeers(): Promise<Peers> {
  const rclone = await goProgram({ name: 'rclone', source: 'github.com/rclone/rclone', version: versions.rclone }, true);
  const mc = await goProgram({ name: 'mc', source: 'github.com/minio/mc', version: versions.mc }, true);
  const aws = await pythonEnvironment('awscli', join(import.meta.dirname, 'awscli.txt'));
  const s3cmd = await pythonEnvironment('s3cmd', join(import.meta.dirname, 's3cmd.txt'));
  const found: Peer[] = [];
  const missing: { name: string; why: string }[] = [];
  const add = <T extends object>(name: string, place: T | { readonly missing: string }, peers: (place: T) => readonly Peer[]): void => {
    if ('missing' in place) missing.push({ name, why: place.missing });
    else found.push(...peers(place));
  };
  add('rclone', rclone, ({ path }) => [
    rclonePeer('rclone', path, []),
    rclonePeer('rclone --checksum', path, ['--checksum', '--fast-list']),
    rclonePeer('rclone tuned', path, ['--fast-list', '--update', '--use-server-modtime', '--transfers', '32', '--checkers', '32', '--s3-no-head', '--s3-no-check-bucket']),
  ]);
  add('mc', mc, ({ path }) => [mcPeer(path)]);
  add('aws', aws, ({ bin }) => [awsPeer(join(bin, 'aws'))]);
  add('s3cmd', s3cmd, ({ bin }) => [s3cmdPeer(join(bin, 'python'), join(bin, 's3cmd'))]);
  return { found, missing };
}

function rclonePeer(name: string, path: string, options: readonly string[]): Peer {
  return {
    name,
    sync: (tree, bucket, { endpoint, region, accessKey, secretKey }, memory) => ({
      line: [path, 'sync', '--quiet', ...options, tree, `bench:${bucket}`],
      environment: {
        HOME: memory, RCLONE_CONFIG: emptyFile(memory, 'rclone.conf'), RCLONE_CACHE_DIR: memory, RCLONE_CONFIG_BENCH_TYPE: 's3', RCLONE_CONFIG_BENCH_PROVIDER: 'Other', RCLONE_CONFIG_BENCH_ENDPOINT: endpoint,
        RCLONE_CONFIG_BENCH_REGION: region, RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: accessKey, RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: secretKey,
      },
    }),
  };
}

function mcPeer(path: string): Peer {
  return {
    name: 'mc',
    sync: (tree, bucket, { endpoint, accessKey, secretKey }, memory) => ({
      line: [path, '--quiet', 'mirror', '--overwrite', '--remove', tree, `bench/${bucket}`],
      environment: { HOME: memory, MC_CONFIG_DIR: memory, MC_HOST_bench: endpoint.replace('://', `://${accessKey}:${secretKey}@`) },
    }),
  };
}

function awsPeer(path: string): Peer {
  return {
    name: 'aws',
    sync: (tree, bucket, { endpoint, region, accessKey, secretKey }, memory) => ({
      line: [path, 's3', 'sync', '--only-show-errors', '--delete', '--endpoint-url', endpoint, tree, `s3://${bucket}`],
      environment: { HOME: memory, AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey, AWS_DEFAULT_REGION: region, AWS_EC2_METADATA_DISABLED: 'true', AWS_CONFIG_FILE: emptyFile(memory, 'config') },
    }),
  };
}

function s3cmdPeer(python: string, path: string): Peer {
  return {
    name: 's3cmd',
    sync: (tree, bucket, { endpoint, region, accessKey, secretKey }, memory) => {
      const { host } = new URL(endpoint);
      return {
        line: [
          python, path, '--config', emptyFile(memory, 's3cfg'), '--access_key', accessKey, '--secret_key', secretKey, '--host', host, '--host-bucket', host, '--region', region,
          '--no-ssl', '--no-progress', '--quiet', 'sync', '--delete-removed', `${tree}/`, `s3://${bucket}/`,
        ],
        environment: { HOME: memory },
      };
    },
  };
}

function emptyFile(folder: string, name: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, '');
  return path;
}
