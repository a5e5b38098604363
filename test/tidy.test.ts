import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Who may import whom, besides itself: the first folder below src, or a door. What is not listed may not be imported. */
const layers: { readonly [layer: string]: readonly string[] } = {
  'lib': [],
  'model': ['lib'],
  'schema': ['model', 'lib'],
  'formats': ['model', 'lib'],
  'core': ['model', 'lib'],
  'engine': ['core', 'model', 'lib'],
  'stores': ['model', 'lib', 'formats', 'schema'],
  'testing': ['model', 'core', 'engine', 'lib', 'stores/memory'],
  'index.ts': ['model', 'core', 'engine', 'stores', 'schema', 'lib'],
  'cli': ['model', 'core', 'engine', 'stores', 'formats', 'schema', 'lib', 'index.ts'],
};

const doors = ['src/index.ts', 'src/testing/index.ts'];

/** Packages that the command line may load before it knows what it is asked to do. */
const loadedAtStart = ['commander'];

/** Files that may be longer than the limit, each with its reason. An entry that is no longer needed fails. */
const longFiles: { readonly [path: string]: string } = {};
const longestFile = 400;

interface Import {
  readonly from: string;
  /** Path of a file of the project, or the name of a package. */
  readonly to: string;
  /** Names taken; `*` for all of them. */
  readonly names: readonly string[];
  readonly kind: 'static' | 'dynamic' | 'type' | 're-export';
}

const files = globSync(['{src,test,examples,bench,scripts}/**/*.{ts,mjs}', 'bin/*.js'], { cwd: root }).map((path) => path.split(sep).join('/')).toSorted();
const text = new Map(files.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
const shipped = files.filter((path) => path.startsWith('src/') && !path.endsWith('.test.ts'));
const imports = files.flatMap(importsOf);
const documents = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).toSorted();

describe('the shape of the project', () => {
  test('a layer imports only the layers below it', () => {
    const wrong = imports
      .filter(({ from, to }) => shipped.includes(from) && to.startsWith('src/') && !allowed(from, to))
      .map(({ from, to }) => `${from} imports ${to}`);
    assert.deepEqual(wrong, []);
  });

  test('every layer is in the table', () => {
    const unknown = shipped.map(layerOf).filter((layer) => layers[layer] === undefined);
    assert.deepEqual([...new Set(unknown)], []);
  });

  test('what the project ships imports nothing from its tests, scripts and examples', () => {
    assert.deepEqual(imports.filter(({ from, to }) => shipped.includes(from) && /^(?:test|scripts|examples|bench)\//.test(to)), []);
  });

  test('starting the command or importing the library loads no driver', () => {
    for (const start of ['src/cli/main.ts', 'src/index.ts']) {
      const packages = [...reachable(start)].filter((name) => !name.startsWith('src/') && !loadedAtStart.includes(name));
      assert.deepEqual(packages, [], `${start} loads them`);
    }
  });

  test('what is imported is a dependency, and every dependency is imported', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: { readonly [name: string]: string } };
    const used = new Set(imports.filter(({ from, to }) => shipped.includes(from) && !to.startsWith('src/')).map(({ to }) => packageName(to)));
    assert.deepEqual([...used].toSorted(), Object.keys(dependencies).toSorted());
  });

  test('only the command line takes the process by import', () => {
    const taken = shipped.filter((path) => !path.startsWith('src/cli/') && /from 'node:process'/.test(text.get(path)!));
    assert.deepEqual(taken, []);
  });

  test('no file but a door passes on what another exports', () => {
    const barrels = imports.filter(({ kind, from }) => kind === 're-export' && !doors.includes(from)).map(({ from, to }) => `${from} passes on ${to}`);
    assert.deepEqual(barrels, []);
    assert.deepEqual(files.filter((path) => path.endsWith('/index.ts')), doors);
  });

  test('no file is longer than one idea', () => {
    const long = files.filter((path) => text.get(path)!.split('\n').length > longestFile);
    assert.deepEqual(long, Object.keys(longFiles).toSorted());
  });
});

describe('the names of the project', () => {
  test('every exported name says what it promises', () => {
    // Options are described one by one, and belong to the function of that name.
    const silent = shipped.flatMap((path) => exportsOf(path).filter(({ name, documented }) => !documented && !name.endsWith('Options')).map(({ name }) => `${path}: ${name}`));
    assert.deepEqual(silent, []);
  });

  test('every exported name is used elsewhere', () => {
    const used = new Set(imports.flatMap(({ to, names }) => names.map((name) => `${to} ${name}`)));
    const dead = shipped
      .filter((path) => !doors.includes(path))
      .flatMap((path) => exportsOf(path).filter(({ name, isType }) => !used.has(`${path} ${name}`) && !used.has(`${path} *`) && !(isType && mentions(path, name) > 1)).map(({ name }) => `${path}: ${name}`));
    assert.deepEqual(dead, []);
  });

  test('nothing has a default export', () => {
    assert.deepEqual(files.filter((path) => /^export default\b/m.test(text.get(path)!)), []);
  });
});

describe('the text of the project', () => {
  const everything = [...files, ...documents, ...globSync(['*.json', '.ci/*', 'examples/**/*', 'test/**/*.py', 'bench/**/*.py'], { cwd: root, withFileTypes: false })].filter((path) => path !== 'package-lock.json' && /\.\w+$|^\.ci/.test(path));

  test('holds no reminder of work left over', () => {
    assert.deepEqual(holding(everything, new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`)), []);
  });

  test('names no path of one machine', () => {
    assert.deepEqual(holding(everything, new RegExp(`(?<![\\w.~])/(?:${['home', 'root', 'work', 'Users', 'tmp'].join('|')})/[\\w.]`)), []);
  });

  test('every link in a document leads somewhere', () => {
    const broken = documents.flatMap((path) => linksOf(path).filter(({ target, anchor }) => {
      const file = target === '' ? path : normalize(join(dirname(path), target));
      if (!existsSync(join(root, file))) return true;
      return anchor !== undefined && file.endsWith('.md') && !anchorsOf(file).includes(anchor);
    }).map(({ target, anchor }) => `${path}: ${target}${anchor === undefined ? '' : `#${anchor}`}`));
    assert.deepEqual(broken, []);
  });

  for (const [program, letter, count] of [['resource-sync', 'R', 50], ['autosync', 'A', 40]] as const) {
    test(`each acceptance case of ${program} has one test of its name`, () => {
      assert.deepEqual(casesOf(letter).toSorted((a, b) => a - b), numbersTo(count));
    });
  }

  test('each acceptance case of synced has a test of its name, of files or of real servers', () => {
    assert.deepEqual([...new Set(casesOf('D'))].toSorted((a, b) => a - b), numbersTo(32));
  });
});

/** The numbers of the acceptance cases that tests name: `test('R1: …')`, or `holds('D1', …)` where one case is tried on several systems. */
function casesOf(letter: string): readonly number[] {
  const named = new RegExp(String.raw`\b(?:(?:test|it)(?:\.\w+)?\(\s*['"\`]${letter}(\d+):|holds\('${letter}(\d+)')`, 'g');
  return globSync('test/acceptance/*.test.ts', { cwd: root }).flatMap((path) => [...readFileSync(join(root, path), 'utf8').matchAll(named)].map(([, one, other]) => Number(one ?? other)));
}

function numbersTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

function importsOf(from: string): readonly Import[] {
  const source = text.get(from)!;
  const found: Import[] = [];
  const resolved = (specifier: string): string => (specifier.startsWith('.') ? normalize(join(dirname(from), specifier)).split(sep).join('/') : specifier);
  for (const [, verb, type, clause, specifier] of source.matchAll(/^(import|export)\s+(type\s+)?((?:\{[^}]*\}|\*(?:\s+as\s+\w+)?|\w+)(?:\s*,\s*\{[^}]*\})?)\s+from\s+['"]([^'"]+)['"]/gm)) {
    const names = clause!.includes('*') ? ['*'] : [...clause!.matchAll(/(?:type\s+)?(\w+)(?:\s+as\s+\w+)?/g)].map(([, name]) => name!);
    found.push({ from, to: resolved(specifier!), names, kind: verb === 'export' ? 're-export' : type ? 'type' : 'static' });
  }
  for (const [, specifier] of source.matchAll(/^import\s+['"]([^'"]+)['"]/gm)) found.push({ from, to: resolved(specifier!), names: [], kind: 'static' });
  for (const [, specifier] of source.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)) found.push({ from, to: resolved(specifier!), names: ['*'], kind: 'dynamic' });
  return found.filter(({ to }) => !to.startsWith('node:') && !builtinModules.includes(to));
}

function layerOf(path: string): string {
  return path.split('/')[1]!;
}

function allowed(from: string, to: string): boolean {
  const below = layers[layerOf(from)] ?? [];
  return layerOf(from) === layerOf(to) || below.some((layer) => to === `src/${layer}` || to.startsWith(`src/${layer}/`));
}

/** Files and packages that are loaded along with `start`. */
function reachable(start: string): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [start];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    for (const { to } of imports.filter(({ from, kind }) => from === path && kind !== 'dynamic' && kind !== 'type')) {
      if (found.has(to)) continue;
      found.add(to);
      open.push(to);
    }
  }
  return found;
}

function packageName(specifier: string): string {
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

function exportsOf(path: string): readonly { readonly name: string; readonly documented: boolean; readonly isType: boolean }[] {
  const lines = text.get(path)!.split('\n');
  return lines.flatMap((line, i) => {
    const match = /^export (?:declare )?(?:abstract )?(?:async )?(function|class|const|let|type|interface)\*? ?\*?\s*(\w+)/.exec(line);
    if (!match) return [];
    // An overload says it once, before the first.
    const overload = match[1] === 'function' && new RegExp(`^export (?:async )?function ${match[2]}\\b`).test(lines[i - 1] ?? '');
    return overload ? [] : [{ name: match[2]!, documented: /\*\/\s*$/.test(lines[i - 1] ?? ''), isType: match[1] === 'type' || match[1] === 'interface' }];
  });
}

function mentions(path: string, name: string): number {
  return [...text.get(path)!.matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length;
}

function holding(paths: readonly string[], pattern: RegExp): readonly string[] {
  return paths.flatMap((path) => readFileSync(join(root, path), 'utf8').split('\n').flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])));
}

function linksOf(path: string): readonly { readonly target: string; readonly anchor: string | undefined }[] {
  const prose = readFileSync(join(root, path), 'utf8').replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!).filter((link) => !/^[a-z][\w+.-]*:/i.test(link)).map((link) => {
    const [target = '', anchor] = link.split('#');
    return { target, anchor };
  });
}

/** The anchors of a document's headings, as hosts of documents make them. */
function anchorsOf(path: string): readonly string[] {
  const headings = readFileSync(join(root, relative('', path)), 'utf8').replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+\s+(.*)$/gm);
  return [...headings].map(([, heading]) => heading!.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').trim().replace(/\s/g, '-'));
}
