import { join } from 'node:path';

/** Where a node listens. */
export interface CassandraPorts {
  readonly cql: number;
  readonly storage: number;
}

const exported = ['java.base/jdk.internal.misc', 'java.base/jdk.internal.ref', 'java.base/java.lang.ref', 'java.base/sun.nio.ch', 'java.management.rmi/com.sun.jmx.remote.internal.rmi', 'java.rmi/sun.rmi.registry', 'java.rmi/sun.rmi.server', 'java.sql/java.sql'];
const opened = ['java.base/java.lang', 'java.base/java.lang.module', 'java.base/java.lang.reflect', 'java.base/java.io', 'java.base/java.nio', 'java.base/java.util', 'java.base/java.util.concurrent', 'java.base/java.util.concurrent.atomic', 'java.base/sun.nio.ch', 'java.base/jdk.internal.loader', 'java.base/jdk.internal.math', 'java.base/jdk.internal.module', 'java.base/jdk.internal.ref', 'java.base/jdk.internal.reflect', 'java.base/jdk.internal.util.jar', 'jdk.management/com.sun.management.internal'];

/** What the Java of a node that lives for a few minutes is told: no waiting for nodes that do not exist, nothing forced to the disk, and what it holds estimated every few seconds. */
export const flagsOf: readonly string[] = [
  '-XX:+UseSerialGC', '-XX:+ExitOnOutOfMemoryError', '-Xss512k', '-XX:+PerfDisableSharedMem', '-Djava.net.preferIPv4Stack=true', '-Djdk.attach.allowAttachSelf=true', '-Dio.netty.tryReflectionSetAccessible=true',
  ...exported.map((name) => `--add-exports=${name}=ALL-UNNAMED`), ...opened.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
  '-Dcassandra-foreground=yes', '-Dcassandra.ring_delay_ms=0', '-Dcassandra.skip_wait_for_gossip_to_settle=0', '-Dcassandra.superuser_setup_delay_ms=0', '-Dcassandra.shutdown_announce_in_ms=0',
  '-Dcassandra.unsafesystem=true', '-Dcassandra.skip_sync=true', '-Dcassandra.size_recorder_interval=5',
];

const patient = ['read_request_timeout', 'range_request_timeout', 'write_request_timeout', 'counter_write_request_timeout', 'cas_contention_timeout', 'request_timeout', 'native_transport_timeout'];

/** The settings of a node that is alone and small, and never in a hurry. */
export function settingsOf(root: string, { cql, storage }: CassandraPorts): object {
  const address = '127.0.0.1';
  return {
    cluster_name: 'tests', num_tokens: 16, partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner', endpoint_snitch: 'SimpleSnitch',
    seed_provider: [{ class_name: 'org.apache.cassandra.locator.SimpleSeedProvider', parameters: [{ seeds: `${address}:${storage}` }] }],
    listen_address: address, rpc_address: address, storage_port: storage, native_transport_port: cql,
    data_file_directories: [join(root, 'data')], commitlog_directory: join(root, 'commitlog'), saved_caches_directory: join(root, 'caches'), hints_directory: join(root, 'hints'), cdc_raw_directory: join(root, 'cdc'),
    commitlog_sync: 'periodic', commitlog_sync_period: '10000ms', disk_access_mode: 'standard', auto_snapshot: false, hinted_handoff_enabled: false,
    concurrent_reads: 8, concurrent_writes: 8, concurrent_counter_writes: 4, native_transport_max_threads: 16, key_cache_size: '0MiB', counter_cache_size: '0MiB', file_cache_size: '32MiB',
    ...Object.fromEntries(patient.map((name) => [name, '60s'])), truncate_request_timeout: '120s', slow_query_log_timeout: '0ms',
  };
}
