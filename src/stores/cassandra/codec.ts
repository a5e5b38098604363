import type { Value } from '../../model/document.ts';

/** How the values of one type travel. */
export interface Codec {
  /** The value in a document of what the driver read. Throws {@link Unfit} where it has none. */
  decode(raw: unknown): Value;
  /** The bytes that the server keeps. Throws {@link Unfit} where the type cannot hold the value. */
  encode(value: Value): Buffer;
  /** A value that was encoded as {@link decode} will give it back. */
  held(value: Value): Value;
}

/** A value that a type cannot hold, or that has no counterpart in a document. The message goes after its name: `is not a list`. */
export class Unfit extends Error {}
