import { binaryTag, defineScalarTag, mapTag, mergeTag, NOT_RESOLVED, nullYaml11Tag, Schema, seqTag, strTag } from 'js-yaml';

/**
 * YAML 1.1 as PyYAML resolves it, which is how the files of many tools were written: `yes` is true, `012` is octal,
 * `1:30` is ninety, and `1e3`, which has no point, is text. But timestamps stay the text they are, and integers keep
 * every digit.
 */
const bool = defineScalarTag<boolean>('tag:yaml.org,2002:bool', {
  implicit: true,
  implicitFirstChars: [...'yYnNtTfFoO'],
  resolve: (source) => (/^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/.test(source) ? true : /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/.test(source) ? false : NOT_RESOLVED),
  identify: (value) => typeof value === 'boolean',
});

const digits = [...'-+0123456789'];

const int = defineScalarTag<number | bigint>('tag:yaml.org,2002:int', {
  implicit: true,
  implicitFirstChars: digits,
  resolve: (source) => {
    const [, sign = '', body = ''] = /^([-+]?)(0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|0|[1-9][0-9_]*(?::[0-5]?[0-9])*)$/.exec(source) ?? [];
    return body === '' ? NOT_RESOLVED : integer(body.replaceAll('_', ''), sign === '-');
  },
  identify: (value) => typeof value === 'number' || typeof value === 'bigint',
});

function integer(body: string, negative: boolean): number | bigint {
  let size: bigint;
  if (body.includes(':')) size = body.split(':').reduce((sum, part) => sum * 60n + BigInt(part), 0n);
  else size = BigInt(/^0[0-7]/.test(body) ? `0o${body.slice(1)}` : body);
  const value = negative ? -size : size;
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

const float = defineScalarTag<number>('tag:yaml.org,2002:float', {
  implicit: true,
  implicitFirstChars: [...digits, '.'],
  resolve: (source) => {
    if (/^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)$/.test(source)) return Number(source.replaceAll('_', ''));
    if (/^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$/.test(source)) return sexagesimal(source.replaceAll('_', ''));
    if (/^[-+]?\.(?:inf|Inf|INF)$/.test(source)) return source.startsWith('-') ? -Infinity : Infinity;
    return /^\.(?:nan|NaN|NAN)$/.test(source) ? NaN : NOT_RESOLVED;
  },
  identify: (value) => typeof value === 'number',
});

function sexagesimal(source: string): number {
  const size = source.replace(/^[-+]/, '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return source.startsWith('-') ? -size : size;
}

/** An explicit tag asks for a time, which stays the text it is. */
const timestamp = defineScalarTag<string>('tag:yaml.org,2002:timestamp', { resolve: (source) => source, identify: () => false });

export const yamlSchema: Schema = new Schema([strTag, seqTag, mapTag, nullYaml11Tag, bool, int, float, timestamp, mergeTag, binaryTag]);
