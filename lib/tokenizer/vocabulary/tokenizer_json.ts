// Hugging Face's tokenizer.json.
// Source: https://github.com/huggingface/tokenizers, what Tokenizer.save() writes for a byte-level BPE model.
import { isJsonObject, JsonFields } from "../../io/json_fields.ts";
import { noteOtherIds, readAddedTokens, writeAddedToken } from "./added_tokens_json.ts";
import { choosePattern, type LoadOptions } from "../load_options.ts";
import { excerpt } from "../../io/excerpt.ts";
import { readNormalizer, writeNormalizer } from "./normalizer_json.ts";
import { type AroundIds, readAroundIds } from "./post_processor_json.ts";
import { byteLevel, readPattern, writePattern } from "./pre_tokenizer_json.ts";
import { hasSentencePieces, readSentencePieces } from "./sentence_piece_json.ts";
import { stepsOf } from "./sequence_json.ts";
import { buildVocabulary, spelledTokens } from "./spelled_vocabulary.ts";
import { TOKENIZER_JSON_KEYS as KEYS } from "./tokenizer_json_keys.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** The text of a tokenizer.json that Hugging Face `tokenizers` loads, and that gives the same ids there. */
export function formatTokenizerJson(vocabulary: Vocabulary): string {
  const { unknown, kept, sentencePieces } = vocabulary;
  if (sentencePieces !== undefined) return formatSentencePieces(vocabulary, sentencePieces.parts);
  const { vocab, merges } = spelledTokens(vocabulary);
  return JSON.stringify(
    {
      version: "1.0",
      truncation: kept?.truncation ?? null,
      padding: kept?.padding ?? null,
      added_tokens: vocabulary.specials.toSorted((a, b) => a.id - b.id).map(writeAddedToken),
      normalizer: writeNormalizer(vocabulary.normalizer ?? []),
      pre_tokenizer: keptPreTokenizer(vocabulary) ?? writePattern(vocabulary.pattern),
      post_processor: kept?.post_processor ?? null,
      decoder: kept?.decoder ?? byteLevel(true),
      model: {
        type: "BPE",
        dropout: null,
        unk_token: unknown?.token ?? null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: unknown?.isFused ?? false,
        byte_fallback: false,
        ignore_merges: vocabulary.ignoreMerges ?? false,
        vocab,
        merges,
      },
    },
    null,
    2,
  );
}

/**
 * Reads a tokenizer.json of a byte-level BPE model. For how each key is treated, see tokenizer_json_keys.ts.
 *
 * @param name The file's name, for messages.
 * @throws {UserError} If it is not JSON, not such a model, or asks for something that this tokenizer does not do.
 */
export function parseTokenizerJson(text: string, name: string, options: LoadOptions = {}): Vocabulary {
  const root = JsonFields.parse(text, { name, nextStep: "Use a byte-level BPE tokenizer.json" });
  const note = (note: string) => options.onNote?.(`${name}: ${note}`);
  root.allowOnly(Object.keys(KEYS.root));
  requireUnset(root, "version", ["1.0"], `"1.0"`);
  if (hasSentencePieces(root)) return readCharacters(root, name, note, options);
  const { vocab, merges, ignoreMerges, unknownToken, isFused } = readModel(root.object("model"));
  const normalizer = readNormalizer(root);
  requireSteps(root, "decoder", "decoders", ["ByteLevel"]);
  const specials = readAddedTokens(root);
  const around = readAroundIds(root, note);
  noteOtherIds(specials, vocab, note);
  const pattern = choosePattern(name, readPattern(root, name), options.pattern);
  const built = buildVocabulary({ vocab, merges, specials, pattern, ignoreMerges, mayLackBytes: true }, name);
  const numMissing = built.missingBytes?.length ?? 0;
  const unknownId = unknownToken === undefined ? undefined : vocab[unknownToken];
  if (numMissing > 0) {
    const become = unknownId === undefined ? "left out of text" : `token ${excerpt(unknownToken)}`;
    note(`${numMissing} of the 256 bytes are no tokens: they are ${become}, as in Hugging Face's tokenizers`);
  }
  if (numMissing > 0 && unknownToken !== undefined && unknownId === undefined) {
    root.object("model").refuse("unk_token", "a token of model.vocab, because some bytes are no tokens");
  }
  requireTokens(root, around, built);
  const kept = keptParts(root);
  return {
    ...built,
    ...(normalizer.length > 0 && { normalizer }),
    ...(around && { around }),
    ...(unknownToken !== undefined && typeof unknownId === "number" && {
      unknown: { token: unknownToken, id: unknownId, isFused },
    }),
    ...(Object.keys(kept).length > 0 && { kept }),
  };
}

/** @throws {UserError} If an id that is put around a text is not a token's. */
function requireTokens(root: JsonFields, around: AroundIds | undefined, { tokens }: Vocabulary): void {
  for (const id of [...around?.before ?? [], ...around?.after ?? []]) {
    if (!(tokens.byteLength(id) > 0)) root.refuse("post_processor", `made of tokens: there is none with id ${id}`);
  }
}

/** Reads a file whose tokens are made of characters. */
function readCharacters(
  root: JsonFields,
  name: string,
  note: (note: string) => void,
  options: LoadOptions,
): Vocabulary {
  readModel(root.object("model"));
  const specials = readAddedTokens(root);
  const around = readAroundIds(root, note);
  const vocabulary = readSentencePieces(root, specials, name);
  choosePattern(name, vocabulary.pattern, options.pattern);
  requireTokens(root, around, vocabulary);
  const kept = keptParts(root);
  return { ...vocabulary, ...(around && { around }), ...(Object.keys(kept).length > 0 && { kept }) };
}

function formatSentencePieces({ kept, specials }: Vocabulary, parts: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(
    {
      version: "1.0",
      truncation: kept?.truncation ?? null,
      padding: kept?.padding ?? null,
      added_tokens: specials.toSorted((a, b) => a.id - b.id).map(writeAddedToken),
      normalizer: parts.normalizer,
      pre_tokenizer: parts.pre_tokenizer,
      post_processor: kept?.post_processor ?? null,
      decoder: parts.decoder,
      model: parts.model,
    },
    null,
    2,
  );
}

/** The pre_tokenizer as it was read, unless the vocabulary has got another pattern since. */
function keptPreTokenizer({ kept, pattern }: Vocabulary): unknown {
  if (kept?.pre_tokenizer === undefined) return undefined;
  const read = readPattern(JsonFields.of(kept, { name: "a tokenizer.json", nextStep: "Load it again" }), "a tokenizer");
  return JSON.stringify(read) === JSON.stringify(pattern) ? kept.pre_tokenizer : undefined;
}

/** Parts of the file that change no id, to be written again as they are. */
function keptParts(root: JsonFields): Readonly<Record<string, unknown>> {
  const names = ["truncation", "padding", "pre_tokenizer", "post_processor", "decoder"];
  return Object.fromEntries(
    names.flatMap((name) => (root.value(name) ?? null) === null ? [] : [[name, root.value(name)]]),
  );
}

function readModel(model: JsonFields) {
  if (model.value("type") !== "BPE" && !(model.value("type") === undefined && model.has("merges"))) {
    model.refuse("type", "BPE");
  }
  model.allowOnly(Object.keys(KEYS.model));
  requireUnset(model, "dropout", [0], "null or 0");
  for (const name of ["continuing_subword_prefix", "end_of_word_suffix"]) {
    requireUnset(model, name, [""], "null or empty");
  }
  const unknown = model.value("unk_token") ?? null;
  if (unknown !== null && typeof unknown !== "string") model.refuse("unk_token", "null or a token");
  const unknownToken = unknown === null ? undefined : unknown as string;
  return {
    unknownToken,
    isFused: model.value("fuse_unk") === true,
    vocab: model.object("vocab").record,
    merges: model.list("merges"),
    ignoreMerges: model.value("ignore_merges") === null ? false : model.booleanOrNone("ignore_merges") ?? false,
  };
}

/** Refuses a field unless it is absent, null, or one of the values that change nothing. */
function requireUnset(fields: JsonFields, name: string, harmless: readonly unknown[], mustBe: string): void {
  const value = fields.value(name) ?? null;
  if (value !== null && !harmless.includes(value)) fields.refuse(name, mustBe);
}

/** Refuses a part unless it is absent, null, or made of steps of these types, whose other keys change nothing. */
function requireSteps(root: JsonFields, name: string, listName: string, types: readonly string[]): void {
  const mustBe = ["null", "a Sequence without steps", ...types].join(", or ");
  if (!isJsonObject(root.value(name))) return requireUnset(root, name, [], mustBe);
  for (const step of stepsOf(root.object(name), listName)) {
    if (!types.some((type) => type === step.value("type"))) step.refuse("type", mustBe);
  }
}
