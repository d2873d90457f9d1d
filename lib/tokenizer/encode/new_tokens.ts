// The tokens of a vocabulary while its file is read.
import { excerpt } from "../../io/excerpt.ts";
import { TokenBytes } from "./token_bytes.ts";

/** Ids reach up to this one, in files and in training. */
export const MAX_ID = 0x7fffff;
/** Longer tokens are refused: to find the merges of one takes 40 times its bytes of memory. */
const MAX_TOKEN_BYTES = 1 << 24;

/** Refuses a file: says what it holds, and what it must hold. */
export type Refuse = (got: string, mustBe: string) => never;

/** Tokens that take their ids one by one. */
export class NewTokens {
  readonly tokens: TokenBytes;
  readonly #refuse: Refuse;

  /** @param count How many tokens are expected. */
  constructor(count: number, refuse: Refuse) {
    this.tokens = new TokenBytes(Math.min(count, MAX_ID + 1));
    this.#refuse = refuse;
  }

  /** Gives a token its id: a number of the file's, which is checked. `name` is what the token is called there. */
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
