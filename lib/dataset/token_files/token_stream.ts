import type { TokenArray, TokenDtype } from "../npy_format.ts";
import type { TokenProvenance } from "../provenance.ts";

/** Token ids in a file of any format, to be read from the first to the last, as often as wanted. */
export interface TokenStream extends Disposable {
  /** The file's path. */
  readonly name: string;
  /** The format, in words: `"nanoGPT's raw uint16"`. */
  readonly format: string;
  /** Number of token ids. */
  readonly length: number;
  /** The file's array: the number of ids, or rows and columns, which are read as one long row. */
  readonly shape: readonly number[];
  /** The type in which ids are returned. */
  readonly dtype: TokenDtype;
  /** Where the ids come from; absent if that was not recorded. */
  readonly provenance?: TokenProvenance;
  /**
   * The ids in pieces, each valid until the next is asked for.
   * @throws {UserError} If a number is no token id, or the file is damaged or changes.
   */
  pieces(): AsyncIterable<TokenArray>;
}

/** Ids of a piece. */
const PIECE_IDS = 1 << 18;

/** What can be read at any position. */
interface Readable {
  readonly length: number;
  read(start: number, end: number): Promise<TokenArray>;
}

/** The ids of something that can be read at any position, from the first to the last. */
export async function* piecesOf(source: Readable): AsyncGenerator<TokenArray> {
  for (let at = 0; at < source.length; at += PIECE_IDS) {
    yield await source.read(at, Math.min(source.length, at + PIECE_IDS));
  }
}
