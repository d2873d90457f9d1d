// Collects the tokens of a vocabulary while its file is read.
import { excerpt } from "../../io/excerpt.ts";
import { TokenBytes } from "./token_bytes.ts";

/** The largest id, in files and in training. */
export const MAX_ID = 0x7fffff;
/** Longer tokens are refused: finding the merges of one takes 40 times its size in memory. */
const MAX_TOKEN_BYTES = 1 << 24;

/** Refuses a file: reports what it holds, and what it must hold. */
export type Refuse = (got: string, mustBe: string) => never;

/** Tokens, added one by one with their ids. */
export class NewTokens {
  readonly tokens: TokenBytes;
  readonly #refuse: Refuse;

  /** @param count How many tokens are expected. */
  constructor(count: number, refuse: Refuse) {
    this.tokens = new TokenBytes(Math.min(count, MAX_ID + 1));
    this.#refuse = refuse;
  }

  /** Adds a token with its id, a number from the file, which is checked. `name` is the token's name there. */
  claim(id: unknown, name: string, bytes: Uint8Array): void {
    if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 0 || id > MAX_ID) {
      return this.#refuse(`id ${excerpt(id)} for token ${excerpt(name)}`, `a whole number up to ${MAX_ID}`);
    }
    if (this.tokens.byteLength(id) > 0) this.#refuse(`id ${id} twice (${excerpt(name)})`, "given to one token");
    if (bytes.length === 0) this.#refuse(`an empty token (id ${id})`, "one byte or more");
    if (bytes.length > MAX_TOKEN_BYTES) {
      this.#refuse(`token ${id} of ${bytes.length} bytes`, `at most ${MAX_TOKEN_BYTES} bytes`);
    }
    this.tokens.set(id, bytes);
  }
}
