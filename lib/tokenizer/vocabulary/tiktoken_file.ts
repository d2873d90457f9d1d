// tiktoken's rank files: a line per token, its bytes in base64 and its rank, which is its id.
// Source: https://github.com/openai/tiktoken, tiktoken/load.py and src/lib.rs
import { UserError } from "../../errors.ts";
import { excerpt } from "../../io/excerpt.ts";
import { NewTokens, type Refuse } from "../encode/new_tokens.ts";
import type { Pattern } from "../pretokenize/named_patterns.ts";
import { recoverMerges } from "./recover_merges.ts";
import { specialBytes, type SpecialToken } from "../pretokenize/special_tokens.ts";
import { byteIdsOf, NUM_BYTES, specialOnlyIds, type Vocabulary } from "./vocabulary.ts";

/** What a rank file leaves out. */
export interface TiktokenOptions {
  /** How text is split before merging. */
  readonly pattern: Pattern;
  /** Tokens that are found in the text first; `[]` if there are none. */
  readonly specials: readonly SpecialToken[];
}

const RANK_LINE = /^([A-Za-z0-9+/]+=*) (\d{1,7})\s*$/;

/** Whether a file is a rank file, by its first line. */
export function looksLikeRanks(text: string): boolean {
  return RANK_LINE.test(text.slice(0, text.indexOf("\n") + 1));
}

/**
 * The text of a rank file. It does not contain special tokens and the pattern; tiktoken needs them separately.
 *
 * @throws {UserError} If ranks alone would give different merges from the vocabulary's.
 */
export function formatTiktoken(vocabulary: Vocabulary): string {
  const { tokens, merges } = vocabulary;
  const refuse: Refuse = (got, mustBe) => {
    throw new UserError(`Cannot write ranks: got ${got}, must be ${mustBe}. Write a tokenizer.json instead`);
  };
  if (vocabulary.sentencePieces !== undefined) refuse("tokens made of characters", "tokens made of bytes");
  if (vocabulary.missingBytes !== undefined) refuse("bytes that are no tokens", "a vocabulary with all 256");
  for (let i = 5; i < merges.length; i += 3) {
    if (merges[i] >= merges[i - 3]) continue;
    refuse(`merge ${(i - 2) / 3} with id ${merges[i]} after ${merges[i - 3]}`, "in the order of ids");
  }
  const special = specialOnlyIds(vocabulary);
  const lines: string[] = [];
  const ids: number[] = [];
  for (let id = 0; id < tokens.size; id++) {
    if (tokens.byteLength(id) === 0 || special.has(id)) continue;
    lines.push(`${tokens.get(id).toBase64()} ${id}\n`);
    if (tokens.byteLength(id) > 1) ids.push(id);
  }
  const meant = recoverMerges(tokens, byteIdsOf(vocabulary), ids);
  const written = new Set<string>();
  for (let i = 0; i < merges.length; i += 3) written.add(merges.subarray(i, i + 3).join());
  for (let i = 0; i < meant.merges.length; i += 3) {
    const merge = meant.merges.subarray(i, i + 3);
    if (!written.has(merge.join())) refuse(`token ${merge[2]}`, `made by a merge of ${merge[0]} and ${merge[1]}`);
  }
  const [unmade] = meant.unmade;
  if (unmade !== undefined && vocabulary.ignoreMerges !== true) {
    refuse(`token ${unmade}, which no merge makes`, "made by one, since tiktoken takes it for a whole word");
  }
  return lines.join("");
}

/**
 * Reads a rank file. How tokens are merged follows from the ranks. tiktoken looks up each pre-token among the ranks
 * before it merges anything, so tokens that no merge makes occur too.
 *
 * @param name The file's name, for messages.
 * @throws {UserError} If a line is not a token and a rank, a rank or token occurs twice, or a byte has no token, naming
 * it.
 */
export function parseTiktoken(text: string, name: string, { pattern, specials }: TiktokenOptions): Vocabulary {
  const refuse: Refuse = (got, mustBe) => {
    throw new UserError(`Cannot read ${name}: got ${got}, must be ${mustBe}. Fetch the file again`);
  };
  const lines = text.split("\n");
  const added = new NewTokens(lines.length, refuse);
  const { tokens } = added;
  const ranked: number[] = [];
  // Base64 that is read strictly is unique for its bytes.
  const rankOf = new Map<string, number>();
  for (const [i, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const { 1: base64, 2: rank } = RANK_LINE.exec(line) ?? [];
    const bytes = base64 === undefined ? undefined : bytesOfBase64(base64);
    if (bytes === undefined) return refuse(`line ${i + 1} ${excerpt(line)}`, "a token in base64 and its rank");
    added.claim(Number(rank), base64, bytes);
    const other = rankOf.get(base64);
    if (other !== undefined) refuse(`token ${excerpt(base64)} with ranks ${other} and ${rank}`, "given one rank");
    rankOf.set(base64, Number(rank));
    ranked.push(Number(rank));
  }
  const byteIds = byteIdsOf({ tokens, specials: [] });
  const numBytes = byteIds.filter((id) => id >= 0).length;
  if (numBytes < NUM_BYTES) refuse(`tokens for ${numBytes} bytes`, "a vocabulary with all 256");
  const longer = ranked.filter((id) => tokens.byteLength(id) > 1).sort((a, b) => a - b);
  const { merges, unmade } = recoverMerges(tokens, byteIds, longer);
  for (const { text, id } of specials) {
    const bytes = specialBytes(text);
    // It may be an ordinary token as well.
    const isRanked = rankOf.get(bytes.toBase64()) === id;
    if (!isRanked) added.claim(id, text, bytes);
  }
  return { pattern, tokens, merges, specials: [...specials], ignoreMerges: unmade.length > 0 };
}

/** The bytes, or `undefined` if the text has too many or too few bits. */
function bytesOfBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
