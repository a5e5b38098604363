import { SyncError } from '../model/errors.ts';
import type { OptionSpec, StoreKind } from '../model/kind.ts';

/** An endpoint without its query string, and the options that the query string gave. */
export interface EndpointOptions {
  readonly endpoint: string;
  readonly options: { readonly [name: string]: string | number | boolean };
}

/**
 * Reads the options off the query string of an endpoint such as `s3://bucket/prefix?region=eu-west-1&part-size=16777216`.
 * A flag needs no value. Throws `invalid` on a name that the kind of place does not have, or a value that it cannot have.
 */
export function endpointOptions(location: string, { name: kindName, options: specs }: Pick<StoreKind, 'name' | 'options'>): EndpointOptions {
  const question = location.indexOf('?');
  if (question === -1) return { endpoint: location, options: {} };
  const options: { [name: string]: string | number | boolean } = {};
  for (const [given, text] of new URLSearchParams(location.slice(question + 1))) {
    const spec = specs.find(({ name }) => name === given || kebab(name) === given);
    if (!spec) throw new SyncError('invalid', `${JSON.stringify(given)} is not an option of ${kindName}`, { hint: `use one of ${specs.map(({ name }) => kebab(name)).join(', ')}, or write a question mark that belongs to the name as %3F` });
    options[spec.name] = valueOf(spec, text);
  }
  return { endpoint: location.slice(0, question), options };
}

function valueOf({ name, value, choices }: OptionSpec, text: string): string | number | boolean {
  const wrong = (what: string): SyncError => new SyncError('invalid', `${kebab(name)} is ${JSON.stringify(text)}, and not ${what}`, { hint: 'give it another value' });
  switch (value) {
    case 'text': return text;
    case 'flag':
      if (text !== '' && text !== 'true' && text !== 'false') throw wrong('true or false');
      return text !== 'false';
    case 'number':
      if (!/^\d+$/.test(text)) throw wrong('a whole number');
      return Number(text);
    case 'choice':
      if (!choices?.includes(text)) throw wrong(`one of ${choices?.join(', ')}`);
      return text;
    default: return value satisfies never;
  }
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
