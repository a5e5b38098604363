import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CORE_SCHEMA, load, YAMLException } from 'js-yaml';
import { limits } from '../limits.ts';
import { OpenstackFailure } from './openstack-failure.ts';

/** One cloud of a `clouds.yaml`. */
export interface Cloud {
  readonly name: string;
  /** The file it is in, fit to print. */
  readonly file: string;
  /** The scalar under a path of names such as `auth.username`, as text. */
  readonly settings: (path: string) => string | undefined;
}

type Environment = { readonly [name: string]: string | undefined };
type Tree = { readonly [name: string]: unknown };

/** What a cloud that names a profile leaves out. Others come from `clouds-public.yaml`. */
const profiles: { readonly [name: string]: Tree } = {
  rackspace: { auth_type: 'rackspace_apikey', auth: { auth_url: 'https://identity.api.rackspacecloud.com/v2.0' } },
};

/**
 * The cloud called `name` in the first `clouds.yaml` there is: OS_CLIENT_CONFIG_FILE, the working directory, the user's
 * configuration folder, `/etc/openstack`. Without a name, the only one there is. `secure.yaml` beside it and the
 * profile it names are taken in. Throws an `OpenstackFailure` where the name is not found or the file cannot be understood.
 */
export async function findCloud(environment: Environment, name: string | undefined): Promise<Cloud | undefined> {
  const found = firstFile(environment, 'clouds', environment['OS_CLIENT_CONFIG_FILE']);
  if (!found) {
    if (name === undefined) return undefined;
    throw new OpenstackFailure('invalid', `there is no clouds.yaml that could say what the cloud ${JSON.stringify(name)} is`, 'put one into the working directory, ~/.config/openstack or /etc/openstack, or name one in OS_CLIENT_CONFIG_FILE');
  }
  const clouds = treeAt(found.tree, 'clouds');
  const names = Object.keys(clouds);
  const chosen = name ?? (names.length === 1 ? names[0] : undefined);
  if (chosen === undefined) return undefined;
  if (!Object.hasOwn(clouds, chosen)) {
    throw new OpenstackFailure('invalid', `${found.path} has no cloud ${JSON.stringify(chosen)}`, names.length === 0 ? 'add it' : `name one of ${names.join(', ')}`);
  }
  const secure = firstFile(environment, 'secure', environment['OS_CLIENT_SECURE_FILE']);
  const own = merge(treeAt(clouds, chosen), secure ? treeAt(treeAt(secure.tree, 'clouds'), chosen) : {});
  const profile = own['profile'] ?? own['cloud'];
  const tree = typeof profile === 'string' ? merge(profileOf(environment, profile), own) : own;
  return { name: chosen, file: found.path, settings: (path) => textAt(tree, path) };
}

function profileOf(environment: Environment, name: string): Tree {
  const known = firstFile(environment, 'clouds-public', environment['OS_CLIENT_VENDOR_FILE']);
  const clouds = known ? treeAt(known.tree, 'public-clouds') : {};
  return Object.hasOwn(clouds, name) ? treeAt(clouds, name) : (Object.hasOwn(profiles, name) ? profiles[name]! : {});
}

function firstFile(environment: Environment, stem: string, named: string | undefined): { readonly path: string; readonly tree: Tree } | undefined {
  const home = environment['HOME'] ?? environment['USERPROFILE'];
  const configuration = environment['XDG_CONFIG_HOME'] || (home === undefined ? undefined : join(home, '.config'));
  const folders = ['', ...(configuration === undefined ? [] : [join(configuration, 'openstack')]), '/etc/openstack'];
  const paths = folders.flatMap((folder) => ['yaml', 'yml', 'json'].map((extension) => join(folder, `${stem}.${extension}`)));
  for (const path of named === undefined || named === '' ? paths : [named, ...paths]) {
    const text = read(path);
    if (text !== undefined) return { path, tree: parse(text, path) };
  }
  return undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new OpenstackFailure('invalid', `cannot read ${path}${code === undefined ? '' : ` (${code})`}`, 'check its owner and mode', cause);
  }
}

function parse(text: string, path: string): Tree {
  try {
    const value = load(text, { schema: CORE_SCHEMA, maxAliases: limits.yamlAliases });
    return isTree(value) ? value : {};
  } catch (cause) {
    // The exception quotes the file, which holds secrets, so neither its message nor itself is passed on.
    const line = cause instanceof YAMLException ? cause.mark?.line : undefined;
    throw new OpenstackFailure('invalid', `${path} is not YAML${line === undefined ? '' : ` (line ${line + 1})`}`, 'correct it');
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null;
}

function treeAt(tree: Tree, name: string): Tree {
  const value = Object.hasOwn(tree, name) ? tree[name] : undefined;
  return isTree(value) ? value : {};
}

function textAt(tree: Tree, path: string): string | undefined {
  let value: unknown = tree;
  for (const name of path.split('.')) value = isTree(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** Both, level by level; what `over` says comes first. */
function merge(tree: Tree, over: Tree): Tree {
  const merged: { [name: string]: unknown } = { ...tree };
  for (const [name, value] of Object.entries(over)) {
    const before = Object.hasOwn(tree, name) ? tree[name] : undefined;
    merged[name] = isTree(before) && isTree(value) && !Array.isArray(value) ? merge(before, value) : value;
  }
  return merged;
}
