import { checkRules } from '../../core/rules/check.ts';
import { invalid, parseDrop, parseMask, parseRename } from '../../core/rules/rules.ts';
import type { Rule } from '../../core/rules/rules.ts';
import { fingerprintOf, maskersWith } from '../../engine/wrap/maskers.ts';
import { dropsOf, RuledNames } from '../../engine/wrap/naming.ts';
import type { Naming } from '../../engine/wrap/naming.ts';
import { ruled } from '../../engine/wrap/ruled.ts';
import type { RuledOptions } from '../../engine/wrap/ruled.ts';
import type { Document } from '../../model/document.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { isSource } from '../../model/store.ts';
import type { Source } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import { loadSchema } from '../../stores/open.ts';
import type { OpenPair } from '../../stores/open.ts';
import type { Values } from '../options.ts';
import { partsOf } from './places.ts';

const keyVariable = 'SYNCLINE_MASK_KEY';
const leastKeyBytes = 16;

/** The rules of a command line, and the key they hash with. */
export interface Rules {
  readonly rules: readonly Rule[];
  readonly key?: Uint8Array;
}

/** The rules that were asked for; `undefined` where none were. Throws `invalid` where they cannot be read, or the key to hash with is missing. */
export async function rulesFrom({ rename = [], drop = [], mask = [], maskKeyFile }: Values, { environment }: Pick<Host, 'environment'>): Promise<Rules | undefined> {
  const rules = [...rename.map(parseRename), ...drop.map(parseDrop), ...mask.map(parseMask)];
  const hashing = rules.find((rule) => rule.kind === 'mask' && rule.method === 'hash');
  if (!hashing) return rules.length === 0 ? undefined : { rules };
  const { linesOf } = await import('./selection.ts');
  const text = maskKeyFile === undefined ? environment[keyVariable] : (await linesOf(maskKeyFile, '--mask-key-file'))[0];
  const hint = `set ${keyVariable}, or name a file with --mask-key-file, and keep it: with another key everything is another value`;
  if (text === undefined || text === '') throw invalid(hashing.text, 'there is no key to hash with, and without one whoever knows what values there may be finds out which these are', hint);
  const key = Buffer.from(text);
  if (key.length < leastKeyBytes) throw invalid(hashing.text, `the key to hash with has ${key.length} characters, and one so short can be guessed`, `use ${leastKeyBytes} or more, as from openssl rand -hex 32`);
  return { rules, key };
}

/** The options for the target where the field that tells the time goes by another name there. */
export function renamedTime({ rules }: Rules, modified: string | undefined): string | undefined {
  const names = new Set(rules.flatMap((rule) => (rule.kind === 'rename' && rule.path.length === 1 && rule.path[0] === modified ? [rule.to] : [])));
  return names.size === 1 ? [...names][0] : undefined;
}

export interface RuledPairOptions {
  readonly values: Values;
  readonly host: Pick<Host, 'log'>;
  /** The origins as they were named. */
  readonly endpoints: readonly string[];
  readonly bothWritten: boolean;
}

/** A pair whose origins are seen under rules. Throws `invalid` where the rules are not about what is there. */
export async function ruledPair(pair: OpenPair, { rules, key }: Rules, { values, host, endpoints, bothWritten }: RuledPairOptions): Promise<OpenPair> {
  const naming = new RuledNames(rules);
  const schema = await loadSchema(values.schema ?? 'hal');
  const drops = bothWritten ? dropsOf(naming) : undefined;
  const shared = { maskers: maskersWith(key), digest: (document: Document) => digestDocument(document, schema) };
  const identity = JSON.stringify([...rules.map(({ text }) => text).toSorted(), ...(key ? [fingerprintOf(key)] : [])]);
  // What a merge will bring to the left side need not be there yet.
  const awaited = bothWritten ? await namesAwaited(pair, naming) : [];
  const origins: Source[] = [];
  for (const [i, origin] of pair.origins.entries()) {
    const collections = await origin.describe?.();
    checkRules(rules, { name: origin.name, collections, times: timesOf(values, endpoints[i]), awaited });
    const options: RuledOptions = { naming, identity, ...shared, ...(!collections && { warn: (sentence: string) => host.log('warn', sentence) }) };
    origins.push(ruled(origin, options));
  }
  return { ...pair, origins, target: drops ? ruled(pair.target, { naming: drops, identity: `the drops of ${identity}`, ...shared }) : pair.target };
}

async function namesAwaited({ target }: OpenPair, naming: Naming): Promise<readonly string[]> {
  const described = isSource(target) ? await target.describe?.() : undefined;
  return described?.flatMap(({ name }) => naming.collectionInward(name) ?? []) ?? [];
}

/** The fields that tell the time of an origin. */
function timesOf({ modified }: Values, endpoint: string | undefined): readonly string[] {
  const own = partsOf(endpoint ?? '').get('modified');
  return [own ?? modified ?? []].flat();
}

/** Throws `invalid` for an option that says nothing by itself. */
export function checkRuleOptions({ maskKeyFile, mask = [] }: Values): void {
  if (maskKeyFile !== undefined && !mask.some((text) => text.endsWith('=hash'))) throw new SyncError('invalid', '--mask-key-file is for --mask …=hash, and nothing is hashed', { hint: 'leave it out, or add a rule' });
}
