// Tells which tokenizer token ids belong to.
import { UserError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import type { JsonFields } from "../io/json_fields.ts";
import { sha256 } from "../io/sha256.ts";
import { searchesTwice } from "../tokenizer/encode/text_preparation.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { formatTokenizerJson } from "../tokenizer/vocabulary/tokenizer_json.ts";
import type { Vocabulary } from "../tokenizer/vocabulary/vocabulary.ts";
import type { TokenSource } from "./token_source.ts";

/** Identifies a tokenizer. */
export interface TokenizerId {
  /** SHA-256, in hexadecimal, of its tokenizer.json as `saveTokenizer` writes it, whatever it was loaded from. */
  readonly sha256: string;
  /** One more than its highest id; unknown for shards of an early version. */
  readonly vocabSize?: number;
  /** Its name when the text was encoded: a path. */
  readonly name?: string;
}

/** Cached, because a tokenizer does not change and its file may have megabytes. */
const HASHES = new WeakMap<Vocabulary, string>();

/**
 * Identifies a tokenizer by the hash of its file's contents.
 *
 * @param name Its name, a path.
 */
export function identifyTokenizer({ vocabulary, vocabSize }: Tokenizer, name?: string): TokenizerId {
  const hash = HASHES.get(vocabulary) ?? sha256(contentOf(vocabulary));
  HASHES.set(vocabulary, hash);
  return { sha256: hash, vocabSize, ...(name !== undefined && { name }) };
}

/** The vocabulary as its file, or as bytes if no file can hold it. */
function contentOf(vocabulary: Vocabulary): string {
  try {
    return formatTokenizerJson(withoutMetadata(vocabulary));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { pattern, tokens, merges, specials } = vocabulary;
    const bytes = Array.from({ length: tokens.size }, (_, id) => tokens.get(id).toHex());
    return JSON.stringify({ pattern, specials, tokens: bytes, merges: [...merges] });
  }
}

/** The vocabulary without what changes no id. */
function withoutMetadata({ kept: _kept, config: _config, ...vocabulary }: Vocabulary): Vocabulary {
  const { normalizer, specials } = vocabulary;
  const isNormalized = searchesTwice({ pattern: "gpt2", normalizer, specials });
  return {
    ...vocabulary,
    specials: specials.map(({ special: _special, normalized, ...token }) =>
      isNormalized && normalized === true ? { ...token, normalized } : token
    ),
  };
}

/** For messages: `out/tokenizer (10,000 tokens, sha256 1f3a5b7c9d0e…)`. */
export function describeTokenizer({ name, vocabSize, sha256 }: TokenizerId): string {
  const size = vocabSize === undefined ? "" : `${vocabSize.toLocaleString("en-US")} tokens, `;
  return `${name === undefined ? "a tokenizer" : excerpt(name)} (${size}sha256 ${sha256.slice(0, 12)}…)`;
}

/** Reads from a file what {@linkcode identifyTokenizer} returned. */
export function parseTokenizerId(fields: JsonFields): TokenizerId {
  fields.allowOnly(["sha256", "vocabSize", "name"]);
  const vocabSize = fields.integerOrNone("vocabSize", { min: 1, max: 2 ** 32 });
  const name = fields.stringOrNone("name");
  return { sha256: parseHash(fields, "sha256"), ...(vocabSize && { vocabSize }), ...(name !== undefined && { name }) };
}

/** A SHA-256 in hexadecimal. */
export function parseHash(fields: JsonFields, field: string): string {
  const hash = fields.string(field);
  return /^[0-9a-f]{64}$/.test(hash) ? hash : fields.refuse(field, "a SHA-256: 64 digits of 0-9 and a-f");
}

/** The part of a source that tells its tokenizer. */
export type KnownSource = Pick<TokenSource, "name" | "provenance">;

/**
 * Checks that token ids belong to a tokenizer. A source of unknown tokenizer passes.
 * @throws {UserError} If they belong to another one; names both.
 */
export function requireTokenizerOf({ name, provenance }: KnownSource, tokenizer: TokenizerId): void {
  const own = provenance?.tokenizer;
  if (own === undefined || own.sha256 === tokenizer.sha256) return;
  throw new UserError(
    `Cannot use ${name} with the tokenizer ${describeTokenizer(tokenizer)}: got token ids of ${
      describeTokenizer(own)
    }, must be of the same tokenizer. Encode the text with this one, or use the other`,
  );
}

/**
 * Checks that sources that are used together have the same tokenizer: the one given, if any.
 * @throws {UserError} If two have different ones; names both.
 */
export function requireOneTokenizer(sources: readonly (KnownSource | undefined)[], tokenizer?: Tokenizer): void {
  const given = sources.filter((source) => source !== undefined);
  if (tokenizer) { for (const source of given) requireTokenizerOf(source, identifyTokenizer(tokenizer)); }
  const known = given.filter(({ provenance }) => provenance !== undefined);
  for (const { name, provenance } of known.slice(1)) {
    const [first] = known;
    const [a, b] = [first.provenance!.tokenizer, provenance!.tokenizer];
    if (a.sha256 === b.sha256) continue;
    throw new UserError(
      `Cannot use ${first.name} and ${name} together: got token ids of ${describeTokenizer(a)} and of ${
        describeTokenizer(b)
      }, must be of one tokenizer. Encode both texts with the same`,
    );
  }
}
