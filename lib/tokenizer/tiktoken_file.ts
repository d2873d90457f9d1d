// tiktoken's rank files: a line per token, its bytes in base64 and its rank, which is its id.
// Source: https://github.com/openai/tiktoken, tiktoken/load.py and tiktoken_ext/openai_public.py
import { UserError } from "../errors.ts";
import type { PatternName } from "./patterns.ts";
import { recoverMerges } from "./recover_merges.ts";
import type { SpecialToken } from "./special_tokens.ts";
import { TokenBytes } from "./token_bytes.ts";
import { NUM_BYTES, type Vocabulary } from "./vocabulary.ts";

/** What a rank file does not say. */
export interface TiktokenOptions {
  readonly pattern: PatternName;
  readonly specials: readonly SpecialToken[];
}

const END_OF_TEXT = "<|endoftext|>";

/** What belongs to tiktoken's own files, by the name before `.tiktoken`. */
const KNOWN_FILES: Readonly<Record<string, TiktokenOptions>> = {
  r50k_base: { pattern: "gpt2", specials: [{ text: END_OF_TEXT, id: 50256 }] },
  p50k_base: { pattern: "gpt2", specials: [{ text: END_OF_TEXT, id: 50256 }] },
  cl100k_base: {
    pattern: "cl100k",
    specials: [
      { text: END_OF_TEXT, id: 100257 },
      { text: "<|fim_prefix|>", id: 100258 },
      { text: "<|fim_middle|>", id: 100259 },
      { text: "<|fim_suffix|>", id: 100260 },
      { text: "<|endofprompt|>", id: 100276 },
    ],
  },
  o200k_base: {
    pattern: "o200k",
    specials: [{ text: END_OF_TEXT, id: 199999 }, { text: "<|endofprompt|>", id: 200018 }],
  },
};

/** Pattern and specials of a rank file: of tiktoken's own files by their names, else GPT-2's pattern and no specials. */
export function tiktokenOptionsFor(path: string): TiktokenOptions {
  const stem = path.slice(path.lastIndexOf("/") + 1).replace(/\.tiktoken$/, "");
  return Object.hasOwn(KNOWN_FILES, stem) ? KNOWN_FILES[stem] : { pattern: "gpt2", specials: [] };
}

/**
 * The text of a rank file. Special tokens and the pattern are not in it: tiktoken wants them beside it.
 *
 * @throws {UserError} if ids do not rise with the order of merges, so that ranks could not say it.
 */
export function formatTiktoken({ tokens, merges, specials }: Vocabulary): string {
  for (let i = 5; i < merges.length; i += 3) {
    if (merges[i] > merges[i - 3]) continue;
    throw new UserError(
      `Cannot write ranks: got merge ${(i - 2) / 3} with id ${merges[i]} after ${
        merges[i - 3]
      }, must be in the order of ids. Write a tokenizer.json instead`,
    );
  }
  const isSpecial = new Set(specials.map(({ id }) => id));
  const lines: string[] = [];
  for (let id = 0; id < tokens.size; id++) {
    if (tokens.byteLength(id) > 0 && !isSpecial.has(id)) lines.push(`${tokens.get(id).toBase64()} ${id}\n`);
  }
  return lines.join("");
}

/**
 * Reads a rank file. It does not say how tokens are merged; that follows from the ranks.
 *
 * @param name The file's name, for messages.
 * @throws {UserError} naming the line that is not a token and a rank, or the token that cannot be merged from two others.
 */
export function parseTiktoken(text: string, name: string, { pattern, specials }: TiktokenOptions): Vocabulary {
  const refuse = (got: string, mustBe: string): never => {
    throw new UserError(`Cannot read ${name}: got ${got}, must be ${mustBe}. Fetch the file again`);
  };
  const tokens = new TokenBytes();
  const claim = (id: number, bytes: Uint8Array) => {
    if (tokens.byteLength(id) > 0) refuse(`rank ${id} twice`, "given to one token");
    tokens.set(id, bytes);
  };
  const ranked: number[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const match = /^([A-Za-z0-9+/]+=*) (\d{1,7})\s*$/.exec(line);
    if (match === null) return refuse(`line ${i + 1} ${JSON.stringify(line)}`, "a token in base64 and its rank");
    claim(Number(match[2]), Uint8Array.fromBase64(match[1]));
    ranked.push(Number(match[2]));
  }
  const encoder = new TextEncoder();
  const merges = recoverMerges(
    tokens,
    ranked.sort((a, b) => a - b),
    (id) => refuse(`token ${id}, which no merge of two others makes`, "ranks of a byte-level BPE vocabulary"),
  );
  const bytes = new Set(ranked.filter((id) => tokens.byteLength(id) === 1).map((id) => tokens.get(id)[0]));
  if (bytes.size < NUM_BYTES) refuse(`tokens for ${bytes.size} bytes`, "a vocabulary with all 256");
  for (const { text, id } of specials) claim(id, encoder.encode(text));
  return { pattern, tokens, merges, specials: [...specials] };
}
