/** The bound of every loop and queue that is not an option. */
export interface Limits {
  /** Entries in one page of a scan, where the store chooses. */
  readonly pageEntries: number;
  /** Bytes of one document's text. */
  readonly documentBytes: number;
  /** Levels of nesting in one document. */
  readonly documentDepth: number;
  /** Aliases one YAML document may use. */
  readonly yamlAliases: number;
  /** Failures and warnings listed by name in a report. */
  readonly listedFailures: number;
  /** Types that are counted one by one in a report; the others are counted together, with what has no type. */
  readonly listedTypes: number;
  /** Bytes of entries held in memory before a sort spills to disk. */
  readonly sortBytes: number;
  /** Bytes of files in one batch, but for its last: who interrupts a run waits for the batches under way. */
  readonly batchBytes: number;
  /** Bytes of documents held in memory before those that wait for their turn go to disk. */
  readonly spoolBytes: number;
}

/** The bounds that hold everywhere. */
export const limits: Limits = {
  pageEntries: 500,
  documentBytes: 256 * 1024 * 1024,
  documentDepth: 1_000,
  yamlAliases: 1_000,
  listedFailures: 1_000,
  listedTypes: 10_000,
  sortBytes: 32 * 1024 * 1024,
  batchBytes: 64 * 1024 * 1024,
  spoolBytes: 16 * 1024 * 1024,
};
