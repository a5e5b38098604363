/** Bytes of one file that may be under way at once, so that a long line is kept full, */
const mostOfOne = 2 * 1024 * 1024;

/** unless so many of all files are; */
const mostOfAll = 8 * 1024 * 1024;

/** then each has to do with this. */
const leastOfOne = 256 * 1024;

/** How much of the files of one place is under way, up or down. */
export class Flow {
  #underWay = 0;

  /** How many bytes of one file may be under way just now. */
  get windowBytes(): number {
    return this.#underWay < mostOfAll ? mostOfOne : leastOfOne;
  }

  begin(bytes: number): void {
    this.#underWay += bytes;
  }

  end(bytes: number): void {
    this.#underWay -= bytes;
  }
}
