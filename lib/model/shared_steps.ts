import type { Continuation } from "./continuation.ts";

/** For each text the tokens that follow it, one or more; for those that are over any. */
export type NextTokens = readonly (readonly number[])[];

/** Texts that advance in step, each read through an iterator of its own. */
export class SharedSteps {
  readonly #texts: readonly Continuation[];
  readonly #advance: () => Promise<NextTokens>;
  /** Ids that were taken and not yet read. */
  readonly #unread: readonly number[][];
  #next: NextTokens | undefined;
  #step: Promise<void> | undefined;

  /**
   * @param first What follows each text's prompt.
   * @param advance Computes what follows then, once these tokens were taken.
   */
  constructor(texts: readonly Continuation[], first: NextTokens, advance: () => Promise<NextTokens>) {
    this.#texts = texts;
    this.#advance = advance;
    this.#next = first;
    this.#unread = texts.map(() => []);
  }

  /** One for each text. Ending one ends its text, and no other. */
  iterators(): AsyncGenerator<number, void, void>[] {
    return this.#texts.map((text, i) => this.#read(text, this.#unread[i]));
  }

  async *#read(text: Continuation, unread: number[]): AsyncGenerator<number, void, void> {
    try {
      for (;;) {
        const id = unread.shift();
        if (id !== undefined) yield id;
        else if (text.isOver) return;
        else await this.#nextStep();
      }
    } finally {
      text.end();
    }
  }

  /** Takes a step, or waits for the one that another iterator takes already. */
  async #nextStep(): Promise<void> {
    this.#step ??= this.#takeStep().finally(() => this.#step = undefined);
    await this.#step;
  }

  async #takeStep(): Promise<void> {
    const next = this.#next ?? await this.#advance();
    this.#next = undefined;
    for (const [i, text] of this.#texts.entries()) {
      // What was computed beyond the end of a text is not taken.
      for (const id of next[i]) if (text.take(id)) this.#unread[i].push(id);
    }
  }
}
