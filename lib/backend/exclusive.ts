/** Work that reads and writes the same arrays, so that only one may be in progress at a time. */
export class Exclusive {
  #isUnderWay = false;

  /**
   * Does the work.
   * @param what Names the work in the error.
   * @throws {Error} If it is already in progress: a mistake in the program, which would get wrong numbers.
   */
  async run<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#isUnderWay) throw new Error(`Cannot ${what}: another call is in progress; await it first`);
    this.#isUnderWay = true;
    try {
      return await work();
    } finally {
      this.#isUnderWay = false;
    }
  }
}
