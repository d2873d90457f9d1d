// A tokenizer.json of a SentencePiece BPE model with byte fallback: Llama 2, Mistral, Gemma.
//
// Its tokens are made of characters, with ▁ for a space; characters that are no tokens become the tokens of their bytes.
// Here a space stays one, and each token has the bytes of its text, so that the kernel's merges of bytes serve: see
// character_merges.ts.
import { UserError } from "../../errors.ts";
import { excerpt } from "../../io/excerpt.ts";
import { isJsonObject, type JsonFields } from "../../io/json_fields.ts";
import { NewTokens, type Refuse } from "../encode/new_tokens.ts";
import type { NormalizerStep } from "../normalize/normalizer_steps.ts";
import type { SplitStep } from "../pretokenize/split_steps.ts";
import { specialBytes, type SpecialToken } from "../pretokenize/special_tokens.ts";
import { requireMergeCount } from "./spelled_vocabulary.ts";
import { stepsOf } from "./sequence_json.ts";
import { NUM_BYTES, type SentencePieces, type Vocabulary } from "./vocabulary.ts";

const SPACE_SIGN = "▁";

/** Whether a file is of such a model, as far as its parts show. */
export function hasSentencePieces(root: JsonFields): boolean {
  const model = root.value("model");
  if (!isJsonObject(model) || model.byte_fallback !== true) return false;
  return !JSON.stringify(root.value("pre_tokenizer") ?? null).includes('"ByteLevel"');
}

/**
 * @param name The file's name, for messages.
 * @throws {UserError} If something in it is not known, or one of the 256 bytes is no token.
 */
export function readSentencePieces(root: JsonFields, specials: readonly SpecialToken[], name: string): Vocabulary {
  const refuse: Refuse = (got, mustBe) => {
    throw new UserError(`Cannot read ${name}: got ${got}, must be ${mustBe}. Write the tokenizer again`);
  };
  const model = root.object("model");
  if (model.value("ignore_merges") === true) model.refuse("ignore_merges", "false, for tokens made of characters");
  const vocab = model.object("vocab").record;
  const idOf = (token: string) => Object.hasOwn(vocab, token) ? vocab[token] as number : undefined;
  const added = new NewTokens(Object.keys(vocab).length + specials.length, refuse);
  const isSpecial = new Set<number>();
  for (const { text, id } of specials) {
    if ((idOf(text) ?? id) !== id) refuse(`special token ${excerpt(text)} with ids ${id} and ${idOf(text)}`, "one id");
    specialBytes(text);
    added.claim(id, text, pieceBytes(text));
    isSpecial.add(id);
  }
  const byteIds = Array.from({ length: NUM_BYTES }, (_, byte) => {
    const token = byteToken(byte);
    return idOf(token) ?? refuse(`no token ${token}`, "one for each of the 256 bytes, which characters fall back to");
  });
  const isByte = new Set(byteIds);
  const characters: number[] = [];
  byteIds.forEach((id, byte) => added.claim(id, byteToken(byte), Uint8Array.of(byte)));
  for (const [token, id] of Object.entries(vocab)) {
    if (isByte.has(id as number)) continue;
    if (!token.isWellFormed()) refuse(`token ${excerpt(token)}`, "whole characters");
    if (!isSpecial.has(id as number)) added.claim(id, token, pieceBytes(token));
    if ([...token].length === 1) characters.push(id as number);
  }
  const merges = readMerges(model.list("merges"), idOf, refuse, name);
  const { normalizer, pattern } = readText(root, Object.keys(vocab));
  const parts = ["normalizer", "pre_tokenizer", "decoder", "model"].map((part) => [part, root.value(part) ?? null]);
  const sentencePieces: SentencePieces = {
    byteIds,
    characters,
    stripsSpace: readDecoder(root),
    parts: Object.fromEntries(parts),
  };
  return { pattern, normalizer, tokens: added.tokens, merges, specials, sentencePieces };
}

function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}

/** A token's bytes, with spaces. */
function pieceBytes(token: string): Uint8Array {
  return new TextEncoder().encode(token.replaceAll(SPACE_SIGN, " "));
}

function readMerges(
  list: readonly unknown[],
  idOf: (token: string) => number | undefined,
  refuse: Refuse,
  name: string,
): Uint32Array {
  requireMergeCount(list.length, name);
  const last = new Map<string, readonly [number, number, number]>();
  for (const [i, merge] of list.entries()) {
    const pair: unknown = typeof merge === "string" ? merge.split(" ") : merge;
    const [left, right] = Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === "string")
      ? pair as string[]
      : refuse(`merge ${i} ${excerpt(merge)}`, "two tokens with a space between, or a list of two");
    const ids = [idOf(left), idOf(right), idOf(left + right)];
    const missing = [left, right, left + right].find((_, part) => ids[part] === undefined);
    if (missing !== undefined) {
      refuse(`merge ${excerpt(`${left} ${right}`)} without a token ${excerpt(missing)}`, "known");
    }
    // Of several of one pair, the last one counts, as in Hugging Face's tokenizers.
    last.delete(`${ids[0]} ${ids[1]}`);
    last.set(`${ids[0]} ${ids[1]}`, ids as [number, number, number]);
  }
  return Uint32Array.from([...last.values()].flat());
}

/** How text is changed and split: by a normalizer, or by Metaspace. */
function readText(root: JsonFields, tokens: readonly string[]): { normalizer: NormalizerStep[]; pattern: SplitStep[] } {
  const normalizer: NormalizerStep[] = [];
  if (isJsonObject(root.value("normalizer"))) {
    for (const step of stepsOf(root.object("normalizer"), "normalizers")) normalizer.push(readNormalizerStep(step));
  } else if ((root.value("normalizer") ?? null) !== null) root.refuse("normalizer", "null, Prepend and Replace");
  // A sign that is in the text already means a space, too.
  normalizer.push({ type: "Replace", pattern: { String: SPACE_SIGN }, content: " " });
  const pattern: SplitStep[] = [];
  if (isJsonObject(root.value("pre_tokenizer"))) {
    for (const step of stepsOf(root.object("pre_tokenizer"), "pretokenizers")) pattern.push(...readPreTokenizer(step));
  } else if ((root.value("pre_tokenizer") ?? null) !== null) root.refuse("pre_tokenizer", "null or Metaspace");
  pattern.push(...betweenTokens(tokens));
  return { normalizer, pattern };
}

function readNormalizerStep(step: JsonFields): NormalizerStep {
  switch (step.value("type")) {
    case "Prepend":
      step.allowOnly(["type", "prepend"]);
      return { type: "Prepend", prepend: step.string("prepend").replaceAll(SPACE_SIGN, " ") };
    case "Replace":
      step.allowOnly(["type", "pattern", "content"]);
      if (step.object("pattern").value("String") !== " " || step.value("content") !== SPACE_SIGN) {
        step.refuse("pattern", `a String of a space, and its content ${SPACE_SIGN}`);
      }
      return { type: "Replace", pattern: { String: SPACE_SIGN }, content: " " };
    case "NFC":
    case "NFKC":
      step.allowOnly(["type"]);
      return { type: step.value("type") as "NFC" | "NFKC" };
    default:
      return step.refuse("type", "Prepend, Replace, NFC or NFKC");
  }
}

function readPreTokenizer(step: JsonFields): SplitStep[] {
  if (step.value("type") === "Split") {
    // Gemma's: there are no spaces any more when it is applied.
    step.allowOnly(["type", "pattern", "behavior", "invert"]);
    if (step.object("pattern").value("String") !== " ") step.refuse("pattern", "a String of a space");
    return [];
  }
  if (step.value("type") !== "Metaspace") return step.refuse("type", "Metaspace");
  step.allowOnly(["type", "replacement", "prepend_scheme", "split", "add_prefix_space"]);
  if (step.value("replacement") !== SPACE_SIGN) step.refuse("replacement", SPACE_SIGN);
  const scheme = step.has("prepend_scheme") ? step.oneOf("prepend_scheme", ["always", "never", "first"]) : "always";
  const steps: SplitStep[] = [];
  if (scheme !== "never") steps.push({ type: "Metaspace", prepend_scheme: scheme });
  if (step.booleanOrNone("split") ?? true) {
    steps.push({ type: "Split", pattern: { String: " " }, behavior: "MergedWithNext", invert: false });
  }
  return steps;
}

/**
 * Splits a text before its spaces, where no token reaches across, so that no merge does either. Without it, all of a text
 * would be one word.
 */
function betweenTokens(tokens: readonly string[]): SplitStep[] {
  const before = new Set<string>();
  for (const token of tokens) {
    for (const [, char] of token.matchAll(/([^▁])▁/gu)) before.add(char);
  }
  const joining = [...before].map((char) => `\\x{${char.codePointAt(0)!.toString(16)}}`).join("");
  // Nor where newlines begin and end, if tokens do not hold them beside others.
  const newline = tokens.some((token) => /[^\n]\n|\n[^\n]/u.test(token)) ? "" : "\\n";
  const inWord = joining === "" ? `[^ ${newline}]+` : `(?:[^ ${newline}${joining}]|[${joining}] *)+`;
  const regex = ` *${inWord}| +${newline === "" ? "" : `|${newline}+`}`;
  return [{ type: "Split", pattern: { Regex: regex }, behavior: "Isolated", invert: false }];
}

/** Whether decoding takes a space from the beginning of a text. */
function readDecoder(root: JsonFields): boolean {
  if (!isJsonObject(root.value("decoder"))) return root.refuse("decoder", "Replace, ByteFallback, Fuse and Strip");
  let strips = false;
  for (const step of stepsOf(root.object("decoder"), "decoders")) {
    switch (step.value("type")) {
      case "Replace":
        if (step.object("pattern").value("String") !== SPACE_SIGN || step.value("content") !== " ") {
          step.refuse("pattern", `a String of ${SPACE_SIGN}, and a space for it`);
        }
        break;
      case "ByteFallback":
      case "Fuse":
        break;
      case "Strip":
        if (step.value("content") !== " " || step.value("start") !== 1 || step.value("stop") !== 0) {
          step.refuse("content", "one space at the start");
        }
        strips = true;
        break;
      default:
        step.refuse("type", "Replace, ByteFallback, Fuse or Strip");
    }
  }
  return strips;
}
