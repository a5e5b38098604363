/** One thing that a target holds, as its listing gives it. */
export interface Listed {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** 32 hexadecimal digits. Without it, a change at the target that keeps the size is not noticed. */
  readonly md5?: string;
  /** Seconds since the Unix epoch. */
  readonly mtime?: number;
}

/** A file that is to be uploaded. */
export interface ActorFile {
  /** What the target is to call it, target prefix and leading slashes and all. */
  readonly key: string;
  /** Where it lies. */
  readonly path: string;
  /** Bytes. Absent where that is not known before it was read. */
  readonly size: number | undefined;
  /** Seconds since the Unix epoch, with a fraction. */
  readonly mtime: number | undefined;
  /** 32 hexadecimal digits. Reads the whole file, unless it was read already. */
  md5(): Promise<string>;
  /** Its bytes, from the beginning each time. Breaks off with an error where the file is changed meanwhile: keep nothing of it then. */
  open(): AsyncIterable<Uint8Array>;
}

/** What a listing is asked for. */
export interface ActorListOptions {
  /** Only these keys and what is below them, as below directories. More may be listed, which is then passed over. */
  readonly under?: readonly string[];
}

/** A target of your own: three functions and a promise or two. */
export interface Actor {
  /** Everything the target holds, each key once. To leave something out is to have it uploaded again; throw instead. */
  list(options?: ActorListOptions): AsyncIterable<Listed> | Iterable<Listed> | Promise<Iterable<Listed>>;
  /** Puts a file in place, whole or not at all. Several are under way at once. */
  upload(file: ActorFile): Promise<void>;
  /** Removes what is there. That there is nothing is no error. */
  delete(key: string): Promise<void>;
  /** The bytes of one entry. Without it nothing can be compared that has no `md5`. */
  download?(key: string): AsyncIterable<Uint8Array>;
  /** That `list` gives keys in the order of their UTF-8 bytes. Uploads then begin while it is still listing. */
  readonly alreadySorted?: boolean;
  /** What is wrong with the flags, as a sentence. */
  validateFlags?(flags: ActorFlags): string | undefined;
  /** Called once, when all is done. */
  close?(): Promise<void>;
}

/** The values of all flags, by name with underscores. */
export interface ActorFlags {
  readonly [name: string]: string | number | boolean | undefined;
}

/** What a module exports to be a target: `open`, or `list`, `upload` and `delete` themselves. */
export interface ActorModule extends Partial<Actor> {
  open?(container: string, prefix: string, flags: ActorFlags): Actor | Promise<Actor>;
  /** Flags of its own, and what they are for. Each takes a value. */
  readonly flags?: { readonly [name: string]: string };
}
