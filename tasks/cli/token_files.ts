// Token files that are used together with a tokenizer.
import { provenancePath } from "../../lib/dataset/provenance.ts";
import type { NpyReader } from "../../lib/dataset/npy_file.ts";
import { openTokens, type ShardedTokens } from "../../lib/dataset/sharded_tokens.ts";
import { identifyTokenizer, requireTokenizerOf } from "../../lib/dataset/tokenizer_id.ts";
import type { Tokenizer } from "../../lib/tokenizer/tokenizer.ts";

/** A tokenizer and the path it was loaded from. */
export interface NamedTokenizer {
  readonly tokenizer: Tokenizer;
  readonly path: string;
}

/**
 * Opens a token file, or shards by their index, for use with a tokenizer. There is a warning of one that does not say
 * which tokenizer it is of, and of one that is not a single row.
 *
 * @throws {UserError} If its ids are of another tokenizer.
 */
export async function openTokensOf(
  path: string,
  named: NamedTokenizer | undefined,
): Promise<NpyReader | ShardedTokens> {
  const tokens = await openTokens(path);
  if ("shape" in tokens && tokens.shape.length > 1) {
    const [rows, columns] = tokens.shape;
    console.error(`warning: ${path} has ${rows} rows of ${columns} ids; they are read as one row, one after the other`);
  }
  if (named === undefined) return tokens;
  try {
    requireTokenizerOf(tokens, identifyTokenizer(named.tokenizer, named.path));
  } catch (error) {
    tokens.close();
    throw error;
  }
  if (tokens.provenance === undefined) {
    const beside = path.endsWith(".json") ? "" : ` (no ${provenancePath(path)} beside it)`;
    console.error(
      `warning: ${path} does not say which tokenizer made it${beside}; assuming ${named.path}`,
    );
  }
  return tokens;
}
