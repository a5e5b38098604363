import { userInfo } from 'node:os';

/** The ports of a single-node Swift. */
export interface SwiftPorts {
  readonly proxy: number;
  readonly account: number;
  readonly container: number;
  readonly object: number;
  readonly memcached: number;
  readonly keystone: number;
}

/** Who may come in. */
export const swiftUser = { account: 'test', user: 'tester', key: 'testing' } as const;

/** What the S3 interface calls the only region there is. */
export const s3Region = 'us-east-1';

/** What the servers are told. */
export interface SwiftLayout {
  readonly ports: SwiftPorts;
  /** The folders of the configuration, of what is stored, and of what the servers note down for themselves. */
  readonly conf: string;
  readonly devices: string;
  readonly run: string;
  readonly keystone: boolean;
  readonly listingLimit: number | undefined;
  readonly maxFileBytes: number | undefined;
}

/** Every configuration file by its name. */
export function swiftFiles(layout: SwiftLayout): { readonly [name: string]: string } {
  return {
    'swift.conf': swiftConf(layout),
    'proxy-server.conf': proxyConf(layout),
    'account-server.conf': backendConf('account', layout),
    'container-server.conf': backendConf('container', layout),
    'object-server.conf': backendConf('object', layout),
    'run.py': wrapper,
  };
}

function swiftConf({ listingLimit, maxFileBytes }: SwiftLayout): string {
  return section('swift-hash', { swift_hash_path_prefix: 'syncline', swift_hash_path_suffix: 'syncline' })
    + section('storage-policy:0', { name: 'Policy-0', default: 'yes' })
    + section('swift-constraints', { container_listing_limit: listingLimit, max_file_size: maxFileBytes });
}

function common(port: number, { conf }: SwiftLayout): { readonly [name: string]: string | number } {
  return { bind_ip: '127.0.0.1', bind_port: port, swift_dir: conf, user: userInfo().username, workers: 0, log_level: 'WARNING' };
}

function backendConf(type: 'account' | 'container' | 'object', layout: SwiftLayout): string {
  return section('DEFAULT', { ...common(layout.ports[type], layout), devices: layout.devices, mount_check: 'false', fallocate_reserve: 0, disable_fallocate: 'true' })
    + section('pipeline:main', { pipeline: `${type}-server` })
    + section(`app:${type}-server`, { use: `egg:swift#${type}` })
    + section(`${type}-replicator`, {}) + section(`${type}-auditor`, {}) + section(`${type}-updater`, { recon_cache_path: layout.run }) + section('container-sharder', {});
}

function proxyConf(layout: SwiftLayout): string {
  const { ports, keystone } = layout;
  const filters = ['catch_errors', 'gatekeeper', 'healthcheck', 'cache', 'listing_formats', 'bulk', ...(keystone ? ['authtoken', 'keystoneauth'] : ['s3api', 'tempauth']), 'copy', 'container-quotas', 'slo', 'dlo', 'symlink'];
  const settings: { readonly [filter: string]: { readonly [name: string]: string | number | undefined } } = {
    'cache': { use: 'egg:swift#memcache', memcache_servers: `127.0.0.1:${ports.memcached}` },
    // It asks for one more than it answers with.
    's3api': { max_bucket_listing: layout.listingLimit && layout.listingLimit - 1, location: s3Region, dns_compliant_bucket_names: 'true', s3_acl: 'false' },
    'tempauth': { [`user_${swiftUser.account}_${swiftUser.user}`]: `${swiftUser.key} .admin`, token_life: 86_400 },
    'keystoneauth': { operator_roles: 'admin' },
    'authtoken': {
      'paste.filter_factory': 'keystonemiddleware.auth_token:filter_factory', www_authenticate_uri: `http://127.0.0.1:${ports.keystone}/v3`, auth_url: `http://127.0.0.1:${ports.keystone}`, auth_type: 'password',
      project_domain_id: 'default', user_domain_id: 'default', project_name: swiftUser.account, username: swiftUser.user, password: swiftUser.key, delay_auth_decision: 'true', include_service_catalog: 'false',
    },
  };
  return section('DEFAULT', common(ports.proxy, layout))
    + section('pipeline:main', { pipeline: [...filters, 'proxy-server'].join(' ') })
    // A node that refused a connection while it started would be shunned for a minute, and there is only one.
    + section('app:proxy-server', { use: 'egg:swift#proxy', allow_account_management: 'true', account_autocreate: 'true', error_suppression_limit: 1_000_000, error_suppression_interval: 0.01 })
    + filters.map((name) => section(`filter:${name}`, { ...(name === 'authtoken' ? {} : { use: `egg:swift#${name.replaceAll('-', '_')}` }), ...settings[name] })).join('');
}

function section(name: string, values: { readonly [name: string]: string | number | undefined }): string {
  const lines = Object.entries(values).filter(([, value]) => value !== undefined).map(([key, value]) => `${key} = ${value}\n`);
  return `[${name}]\n${lines.join('')}`;
}

/** Keystone's configuration: one SQLite file, and keys in folders beside it. Passwords that anybody may know need no slow digest. */
export function keystoneConf(folder: string): string {
  return section('DEFAULT', { use_stderr: 'true' }) + section('database', { connection: `sqlite:///${folder}/keystone.db` }) + section('token', { provider: 'fernet' }) + section('identity', { password_hash_rounds: 4 })
    + section('fernet_tokens', { key_repository: `${folder}/fernet` }) + section('fernet_receipts', { key_repository: `${folder}/receipts` }) + section('credential', { key_repository: `${folder}/credential` });
}

/** The servers look for swift.conf in one folder only, unless they are told by code; this tells them. It also makes the rings. */
const wrapper = `import ctypes, runpy, sys
# PR_SET_PDEATHSIG: whoever started a server may be killed before it can stop it.
try: ctypes.CDLL(None).prctl(1, 15)
except AttributeError: pass
conf = sys.argv.pop(1)
from swift.common import utils
utils.set_swift_dir(conf)
from swift.common import constraints, storage_policy
constraints.reload_constraints()
storage_policy.reload_storage_policies()
if sys.argv[1] == 'rings':
    from swift.common.ring import RingBuilder
    for arg in sys.argv[2:]:
        name, port = arg.split('=')
        builder = RingBuilder(part_power=4, replicas=1, min_part_hours=0)
        builder.add_dev({'region': 1, 'zone': 1, 'ip': '127.0.0.1', 'port': int(port), 'replication_ip': '127.0.0.1', 'replication_port': int(port), 'device': 'd1', 'weight': 1.0})
        builder.rebalance(seed='1')
        builder.get_ring().save(conf + '/' + name + '.ring.gz')
else:
    sys.argv.pop(0)
    runpy.run_path(sys.argv[0], run_name='__main__')
`;
