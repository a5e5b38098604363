/** A parsed `Content-Type`. */
export interface MediaType {
  /** Lower case, as in `application/json`. */
  readonly essence: string;
  readonly charset: string | undefined;
}

/** The media type a `Content-Type` field names; `undefined` where it is empty or absent. */
export function mediaTypeOf(field: string | undefined): MediaType | undefined {
  const essence = field?.split(';', 1)[0]?.trim().toLowerCase();
  if (field === undefined || essence === undefined || essence === '') return undefined;
  const charset = /;\s*charset\s*=\s*("[^"]*"|[^\s;]+)/i.exec(field)?.[1]?.replaceAll('"', '').trim();
  return { essence, charset: charset === '' ? undefined : charset };
}

/**
 * Bytes as text. A byte order mark says more than the charset and is left out. `undefined` where the charset is
 * unknown or the bytes are not in it.
 */
export function decodeText(bytes: Uint8Array, charset = 'utf-8'): string | undefined {
  const marked = bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : undefined;
  try {
    return new TextDecoder(marked ?? charset, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
