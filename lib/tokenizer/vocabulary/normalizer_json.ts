// The normalizer of a tokenizer.json, which says how text is changed before it is split.
import { isJsonObject, type JsonFields } from "../../io/json_fields.ts";
import type { NormalizerStep } from "../normalize/normalizer_steps.ts";
import { stepsOf } from "./sequence_json.ts";
import { TOKENIZER_JSON_KEYS as KEYS } from "./tokenizer_json_keys.ts";

const KNOWN = "null, NFC, NFD, NFKC, NFKD, Lowercase, Prepend or Replace, or a Sequence of them";

/** @throws {UserError} If it has a step that is not known. */
export function readNormalizer(root: JsonFields): readonly NormalizerStep[] {
  const value = root.value("normalizer") ?? null;
  if (value === null) return [];
  if (!isJsonObject(value)) return root.refuse("normalizer", KNOWN);
  return stepsOf(root.object("normalizer"), "normalizers").map(readNormalizerStep);
}

/** One step, as a tokenizer.json has it. */
export function readNormalizerStep(step: JsonFields): NormalizerStep {
  const type = step.value("type");
  switch (type) {
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD":
    case "Lowercase":
      step.allowOnly(["type"]);
      return { type };
    case "Prepend":
      step.allowOnly(Object.keys(KEYS.Prepend));
      return { type, prepend: step.string("prepend") };
    case "Replace": {
      step.allowOnly(Object.keys(KEYS.Replace));
      const pattern = step.object("pattern");
      pattern.allowOnly(["String"]);
      const text = pattern.string("String");
      // More than one could reach across a place where text is cut.
      if ([...text].length !== 1 || !text.isWellFormed()) pattern.refuse("String", "one character");
      return { type, pattern: { String: text }, content: step.string("content") };
    }
    default:
      return step.refuse("type", KNOWN);
  }
}

/** The normalizer of steps, as a tokenizer.json writes it. */
export function writeNormalizer(steps: readonly NormalizerStep[]): unknown {
  if (steps.length === 0) return null;
  return steps.length === 1 ? steps[0] : { type: "Sequence", normalizers: steps };
}
