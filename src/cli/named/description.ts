import { mergeOptions, outputOptions, placeOptions, syncOptions } from '../options.ts';
import type { OptionSpec } from '../options.ts';

/** The part of JSON Schema in which the file is described. What is described in it is checked by it; see `findFault`. */
export interface Described {
  readonly $schema?: string;
  readonly title?: string;
  readonly description?: string;
  /** What a text has to be, in words; shown in the place of the pattern. */
  readonly $comment?: string;
  readonly type?: Type | readonly Type[];
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly properties?: { readonly [name: string]: Described };
  readonly patternProperties?: { readonly [pattern: string]: Described };
  readonly required?: readonly string[];
  readonly additionalProperties?: false | Described;
  readonly propertyNames?: Described;
  readonly minProperties?: number;
  readonly items?: Described;
  readonly minItems?: number;
  /** Of these the one whose required fields are there. */
  readonly oneOf?: readonly Described[];
  /** Whichever its type is. */
  readonly anyOf?: readonly Described[];
}

/** What a value can be. */
export type Type = 'object' | 'array' | 'string' | 'number' | 'boolean';

/** Which command a sync is for. */
export type SyncKind = 'sync' | 'merge';

/** Options that are about one call of a command, or about all runs, and where they are given instead. */
const notInFile: { readonly [option: string]: string } = {
  ...Object.fromEntries(['dry-run', 'retry-quarantined', 'health', 'metrics', 'state', ...outputOptions.map(({ name }) => name)].map((name) => [name, `give it to syncline run, as --${name}`])),
  ...Object.fromEntries(['watch', 'full-every', 'poll-every'].map((name) => [name, 'a sync has every or cron, and watching is for the command line'])),
  'explain': 'it is for the command line',
  'no-state': 'runs are remembered',
};

/** The options of a command that a sync may have. */
export function optionsOf(kind: SyncKind): readonly OptionSpec[] {
  return [...(kind === 'sync' ? syncOptions : mergeOptions), ...placeOptions].filter(({ name }) => !Object.hasOwn(notInFile, name));
}

/** Where an option that no sync has is to be given; `undefined` where there is no such option at all. */
export function elsewhere(option: string): string | undefined {
  return Object.hasOwn(notInFile, option) ? notInFile[option] : undefined;
}

/** What a file of named syncs may hold, as a JSON Schema. */
export function fileDescription(): Described {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Named syncs of syncline',
    type: 'object',
    required: ['syncs'],
    properties: {
      syncs: {
        description: 'The syncs, each under its name, in the order in which they are run.',
        type: 'object',
        minProperties: 1,
        propertyNames: { pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$', $comment: 'up to 64 letters, digits, dots, dashes and underscores, with a letter or a digit first' },
        additionalProperties: { type: 'object', oneOf: [one('sync'), one('merge')] },
      },
    },
    // A place for what several syncs refer to by an alias.
    patternProperties: { '^x-': {} },
    additionalProperties: false,
  };
}

function one(kind: SyncKind): Described {
  return {
    title: kind,
    required: [kind],
    properties: { [kind]: kind === 'sync' ? oneWay : twoWay, ...schedule, ...Object.fromEntries(optionsOf(kind).map((spec) => [spec.name, option(spec)])) },
    additionalProperties: false,
  };
}

const place: Described = { type: 'string', minLength: 1 };

const oneWay: Described = {
  description: 'One way: the target comes to hold what the origins hold.',
  type: 'object',
  required: ['origins', 'target'],
  properties: {
    origins: { description: 'Where to read: a place, or several, of which a later one wins.', anyOf: [place, { type: 'array', items: place, minItems: 1 }] },
    target: { ...place, description: 'Where to write.' },
  },
  additionalProperties: false,
};

const twoWay: Described = {
  description: 'Both ways: what changed on either side travels to the other.',
  type: 'object',
  required: ['left', 'right'],
  properties: { left: { ...place, description: 'The left side.' }, right: { ...place, description: 'The right side.' } },
  additionalProperties: false,
};

const schedule: NonNullable<Described['properties']> = {
  cron: { description: 'When to run, as in "*/5 * * * *": minute, hour, day of the month, month, day of the week.', type: 'string', minLength: 1 },
  timezone: { description: 'The time zone that cron means, as in Europe/Berlin (default: that of the machine).', type: 'string', minLength: 1 },
};

function option({ summary, choices, value, repeats }: OptionSpec): Described {
  if (value === undefined) return { description: summary, type: 'boolean' };
  if (choices) return { description: summary, type: 'string', enum: choices };
  const text: Described = { type: ['string', 'number'] };
  return { description: summary, ...(repeats ? { anyOf: [text, { type: 'array', items: text, minItems: 1 }] } : text) };
}
