// The pre_tokenizer of a tokenizer.json, which holds the pattern.
import { isJsonObject, type JsonFields } from "../../io/json_fields.ts";
import { PATTERN_NAMES, PATTERN_REGEX, type PatternName } from "../pretokenize/patterns.ts";
import { stepsOf } from "./sequence_json.ts";
import { TOKENIZER_JSON_KEYS as KEYS } from "./tokenizer_json_keys.ts";

/** ByteLevel, as Hugging Face writes it; also as a decoder. */
export function byteLevel(usesRegex: boolean) {
  return { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: usesRegex };
}

/** The pre_tokenizer of a pattern. */
export function writePattern(pattern: PatternName): unknown {
  if (pattern === "gpt2") return byteLevel(true);
  const split = { type: "Split", pattern: { Regex: PATTERN_REGEX[pattern] }, behavior: "Isolated", invert: false };
  return { type: "Sequence", pretokenizers: [split, byteLevel(false)] };
}

const KNOWN = "ByteLevel without add_prefix_space, or a Split by the pattern of cl100k or o200k before it";

/** @throws {UserError} If the pre_tokenizer does not split text by one of the patterns. */
export function readPattern(root: JsonFields): PatternName {
  if (!isJsonObject(root.value("pre_tokenizer"))) return root.refuse("pre_tokenizer", KNOWN);
  const steps = stepsOf(root.object("pre_tokenizer"), "pretokenizers");
  const patterns = steps.map((step, i) => {
    if (step.value("type") === "Split") return readSplit(step);
    if (step.value("type") !== "ByteLevel" || i !== steps.length - 1) return root.refuse("pre_tokenizer", KNOWN);
    step.allowOnly(Object.keys(KEYS.ByteLevel));
    if (step.boolean("add_prefix_space")) return step.refuse("add_prefix_space", "false");
    return step.booleanOrNone("use_regex") ?? true ? "gpt2" : undefined;
  });
  const [first, last] = patterns;
  if (patterns.length === 1 && first === "gpt2" && steps[0].value("type") === "ByteLevel") return "gpt2";
  if (patterns.length === 2 && first !== undefined && last === undefined) return first;
  return root.refuse("pre_tokenizer", KNOWN);
}

function readSplit(split: JsonFields): PatternName {
  split.allowOnly(Object.keys(KEYS.Split));
  const regex = split.object("pattern").value("Regex");
  const pattern = PATTERN_NAMES.find((name) => PATTERN_REGEX[name] === regex) ??
    split.refuse("pattern", `the Regex of ${PATTERN_NAMES.join(", ")}, letter by letter`);
  // There is nothing between matches, so it makes no difference whether it is removed (with invert) or joined.
  const behaviors = [
    "Isolated",
    "MergedWithPrevious",
    "MergedWithNext",
    ...(split.boolean("invert") ? ["Removed"] : []),
  ];
  split.oneOf("behavior", behaviors);
  return pattern;
}
