// Hugging Face's tokenizer.json.
// Source: https://github.com/huggingface/tokenizers, what Tokenizer.save() writes for a byte-level BPE model.
import { isJsonObject, JsonFields } from "../../io/json_fields.ts";
import { noteOtherIds, readAddedTokens } from "./added_tokens_json.ts";
import { choosePattern, type LoadOptions } from "../load_options.ts";
import { noteAroundIds } from "./post_processor_json.ts";
import { byteLevel, readPattern, writePattern } from "./pre_tokenizer_json.ts";
import { stepsOf } from "./sequence_json.ts";
import { buildVocabulary, spelledTokens } from "./spelled_vocabulary.ts";
import { TOKENIZER_JSON_KEYS as KEYS } from "./tokenizer_json_keys.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** The text of a tokenizer.json that Hugging Face `tokenizers` loads, and that gives the same ids there. */
export function formatTokenizerJson(vocabulary: Vocabulary): string {
  const { vocab, merges } = spelledTokens(vocabulary);
  return JSON.stringify(
    {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: vocabulary.specials.toSorted((a, b) => a.id - b.id).map(({ id, text }) => ({
        id,
        content: text,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: null,
      pre_tokenizer: writePattern(vocabulary.pattern),
      post_processor: null,
      decoder: byteLevel(true),
      model: {
        type: "BPE",
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
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
  const { vocab, merges, ignoreMerges } = readModel(root.object("model"));
  requireSteps(root, "normalizer", "normalizers", []);
  requireSteps(root, "decoder", "decoders", ["ByteLevel"]);
  const specials = readAddedTokens(root, name);
  noteAroundIds(root, note);
  noteOtherIds(specials, vocab, note);
  const pattern = choosePattern(name, readPattern(root), options.pattern);
  return buildVocabulary({ vocab, merges, specials, pattern, ignoreMerges }, name);
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
  return {
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
