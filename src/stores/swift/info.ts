/** What a server says of itself at `/info`. */
export interface Ability {
  /** The most deletions in one request; 0 where there are none at once. */
  readonly bulkDeletes: number;
  /** The most segments of a large object; 0 where there are no large objects. */
  readonly segments: number;
  /** The largest single object, in bytes. */
  readonly fileBytes: number;
}

const gibibyte = 1024 ** 3;

/** Reads the answer of `/info`. What it does not say, the server cannot do. */
export function abilityOf(info: unknown): Ability {
  return {
    bulkDeletes: Math.min(1_000, numberAt(info, 'bulk_delete', 'max_deletes_per_request') ?? 0),
    segments: numberAt(info, 'slo', 'max_manifest_segments') ?? 0,
    fileBytes: numberAt(info, 'swift', 'max_file_size') ?? 5 * gibibyte,
  };
}

function numberAt(info: unknown, section: string, name: string): number | undefined {
  const found = fieldOf(fieldOf(info, section), name);
  return typeof found === 'number' && Number.isSafeInteger(found) && found > 0 ? found : undefined;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as { readonly [name: string]: unknown })[name] : undefined;
}
