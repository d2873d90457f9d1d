// The steps of a part of a tokenizer.json: pre_tokenizer, normalizer, post_processor or decoder.
import type { JsonFields } from "../../io/json_fields.ts";

/** Nobody nests Sequences deeper than this. */
const MAX_DEPTH = 3;

/**
 * The steps: the part itself, or those of a Sequence, which may hold Sequences.
 *
 * @param listName The field of a Sequence of this kind that lists its steps.
 * @throws {UserError} If a Sequence has other fields, or nests too deep.
 */
export function stepsOf(part: JsonFields, listName: string, depth = 0): JsonFields[] {
  if (part.value("type") !== "Sequence") return [part];
  part.allowOnly(["type", listName]);
  if (depth === MAX_DEPTH) part.refuse(listName, `a Sequence in at most ${MAX_DEPTH} others`);
  return part.objects(listName).flatMap((step) => stepsOf(step, listName, depth + 1));
}
