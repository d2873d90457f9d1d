// The pre_tokenizer of a tokenizer.json, which says how text is split into words.
import { isJsonObject, type JsonFields } from "../../io/json_fields.ts";
import type { Pattern } from "../pretokenize/named_patterns.ts";
import { PATTERN_NAMES, PATTERN_REGEX } from "../pretokenize/patterns.ts";
import { simplifySteps } from "../pretokenize/known_steps.ts";
import { PreTokenizer } from "../pretokenize/pre_tokenizer.ts";
import { SPLIT_BEHAVIORS, type SplitStep } from "../pretokenize/split_steps.ts";
import { stepsOf } from "./sequence_json.ts";
import { TOKENIZER_JSON_KEYS as KEYS } from "./tokenizer_json_keys.ts";

/** ByteLevel, as Hugging Face writes it; also as a decoder. */
export function byteLevel(usesRegex: boolean, addsPrefixSpace = false) {
  return { type: "ByteLevel", add_prefix_space: addsPrefixSpace, trim_offsets: true, use_regex: usesRegex };
}

/** The pre_tokenizer of a pattern. */
export function writePattern(pattern: Pattern): unknown {
  if (pattern === "gpt2") return byteLevel(true);
  const steps: unknown[] = typeof pattern === "string"
    ? [{ type: "Split", pattern: { Regex: PATTERN_REGEX[pattern] }, behavior: "Isolated", invert: false }]
    : pattern.map((step) => step.type === "ByteLevel" ? byteLevel(step.use_regex, step.add_prefix_space) : step);
  const spellsBytes = typeof pattern !== "string" && pattern.some(({ type }) => type === "ByteLevel");
  if (!spellsBytes) steps.push(byteLevel(false));
  return steps.length === 1 ? steps[0] : { type: "Sequence", pretokenizers: steps };
}

const KNOWN = "ByteLevel, alone or after Split, Digits and Punctuation";

/**
 * How a tokenizer.json splits text.
 *
 * @param name The file's name, for messages.
 * @throws {UserError} If it has a step that is not known, or a regular expression that cannot be used.
 */
export function readPattern(root: JsonFields, name: string): Pattern {
  if (!isJsonObject(root.value("pre_tokenizer"))) return root.refuse("pre_tokenizer", KNOWN);
  const steps = stepsOf(root.object("pre_tokenizer"), "pretokenizers").map(readSplitStep);
  // Otherwise the tokens would not be bytes.
  if (steps.filter(({ type }) => type === "ByteLevel").length !== 1) root.refuse("pre_tokenizer", KNOWN);
  const pattern = simplifySteps(steps, name);
  if (typeof pattern !== "string") new PreTokenizer(pattern, name);
  return pattern;
}

/** One step, as a tokenizer.json has it. */
export function readSplitStep(step: JsonFields): SplitStep {
  const type = step.value("type");
  switch (type) {
    case "Split":
      step.allowOnly(Object.keys(KEYS.Split));
      return {
        type,
        pattern: readSplitPattern(step),
        behavior: step.oneOf("behavior", SPLIT_BEHAVIORS),
        invert: step.boolean("invert"),
      };
    case "Digits":
      step.allowOnly(Object.keys(KEYS.Digits));
      return { type, individual_digits: step.booleanOrNone("individual_digits") ?? false };
    case "Punctuation":
      step.allowOnly(Object.keys(KEYS.Punctuation));
      return { type, behavior: step.has("behavior") ? step.oneOf("behavior", SPLIT_BEHAVIORS) : "Isolated" };
    case "ByteLevel":
      step.allowOnly(Object.keys(KEYS.ByteLevel));
      return {
        type,
        add_prefix_space: step.boolean("add_prefix_space"),
        use_regex: step.booleanOrNone("use_regex") ?? true,
      };
    default:
      return step.refuse("type", "ByteLevel, Split, Digits or Punctuation, or a Sequence of them");
  }
}

/** A pattern as bytelm's own files have it: a name, or steps. */
export function readPatternField(fields: JsonFields, field: string, name: string): Pattern {
  if (!Array.isArray(fields.value(field))) return fields.oneOf(field, PATTERN_NAMES);
  const steps = fields.objects(field).map(readSplitStep);
  new PreTokenizer(steps, name);
  return steps;
}

function readSplitPattern(split: JsonFields): { readonly Regex: string } | { readonly String: string } {
  const pattern = split.object("pattern");
  pattern.allowOnly(["Regex", "String"]);
  if (pattern.has("Regex")) return { Regex: pattern.string("Regex") };
  const text = pattern.string("String");
  return text !== "" && text.isWellFormed() ? { String: text } : pattern.refuse("String", "a text that is not empty");
}
