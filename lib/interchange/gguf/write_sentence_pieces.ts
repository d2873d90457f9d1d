// A SentencePiece tokenizer as a GGUF file's metadata: tokens with scores, from which llama.cpp makes the merges.
import { UserError } from "../../errors.ts";
import { isJsonObject } from "../../io/json_fields.ts";
import type { SentencePieces, Vocabulary } from "../../tokenizer/vocabulary/vocabulary.ts";
import { BYTE, CONTROL, NORMAL, TOKENIZER_KEYS as KEYS, UNKNOWN, UNUSED, USER_DEFINED } from "./tokenizer.ts";
import { mergesOf, SPACE_SIGN } from "./tokenizer_json.ts";
import type { GgufEntry } from "./write_architectures.ts";

/** What a row of the model is called that stands for no token. */
export function unusedToken(id: number): string {
  return `[UNUSED${id}]`;
}

/** What the parts of the tokenizer.json were checked to be when it was read. */
interface BpeParts {
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (string | readonly [string, string])[];
  readonly unk_token?: unknown;
}

/**
 * The metadata of a tokenizer whose tokens are made of characters.
 *
 * @throws {UserError} If llama.cpp would merge otherwise, or changes texts otherwise.
 */
export function sentencePieceEntries(
  { specials }: Vocabulary,
  { byteIds, parts }: SentencePieces,
  vocabSize: number,
): GgufEntry[] {
  const model = parts.model as BpeParts;
  const tokens = Array.from({ length: vocabSize }, (_, id) => unusedToken(id));
  const types = new Int32Array(vocabSize).fill(UNUSED);
  for (const [token, id] of Object.entries(model.vocab)) [tokens[id], types[id]] = [token, NORMAL];
  for (const id of byteIds) types[id] = BYTE;
  for (const { text, id, special = true } of specials) {
    [tokens[id], types[id]] = [text, special ? CONTROL : USER_DEFINED];
  }
  const unknown = typeof model.unk_token === "string" ? model.vocab[model.unk_token] : undefined;
  if (unknown !== undefined) types[unknown] = UNKNOWN;
  const scores = scoresOf(model, tokens, types);
  return [
    [KEYS.model, { type: "string", value: "llama" }],
    [KEYS.pre, { type: "string", value: "default" }],
    [KEYS.tokens, { type: "array", of: "string", value: tokens }],
    [KEYS.scores, { type: "array", of: "float32", value: scores }],
    [KEYS.types, { type: "array", of: "int32", value: types }],
    [KEYS.addSpace, { type: "bool", value: addsSpace(parts) }],
    ...(unknown === undefined ? [] : [[KEYS.unknown, { type: "uint32", value: unknown }] as const]),
  ];
}

/** Scores that fall with each merge; equal ones for the merges that give the same token. */
function scoresOf({ vocab, merges }: BpeParts, tokens: readonly string[], types: Int32Array): Float32Array {
  const pairs = merges.map((merge) => typeof merge === "string" ? merge.split(" ") : merge);
  const rankOf = new Map<number, number>();
  for (const [left, right] of pairs) {
    const id = vocab[left + right];
    if (!rankOf.has(id)) rankOf.set(id, rankOf.size);
  }
  const scores = Float32Array.from(tokens, (_, id) => -(rankOf.get(id) ?? 0));
  const others = new Set(tokens.keys().filter((id) => types[id] !== NORMAL));
  const key = ([left, right]: readonly string[]) => `${left} ${right}`;
  const own = new Set(pairs.map(key)), made = mergesOf(tokens, scores, vocab, others).map(key);
  if (own.size === made.length && made.every((pair) => own.has(pair))) return scores;
  throw refusal("merges that are not all pairs of tokens that make a token", "a SentencePiece model's");
}

/** Whether a space is put before a text. */
function addsSpace({ normalizer, pre_tokenizer: preTokenizer }: SentencePieces["parts"]): boolean {
  const steps = (part: unknown, list: string) =>
    !isJsonObject(part) ? [] : Array.isArray(part[list]) ? part[list].filter(isJsonObject) : [part];
  let adds = false;
  for (const step of [...steps(normalizer, "normalizers"), ...steps(preTokenizer, "pretokenizers")]) {
    if (step.type === "Prepend" && step.prepend === SPACE_SIGN) adds = true;
    else if (step.type === "Metaspace") adds ||= step.prepend_scheme !== "never";
    else if (step.type !== "Replace" && step.type !== "Split") {
      throw refusal(`a step ${String(step.type)}`, "spaces written as signs, and one before a text");
    }
  }
  return adds;
}

function refusal(got: string, mustBe: string): UserError {
  return new UserError(
    `Cannot export the tokenizer: got ${got}, must be ${mustBe}, as llama.cpp has it. Export the model for transformers`,
  );
}
