// What a tokenizer.json asks for around the ids of a text: reported, and left to you.
import { excerpt } from "../../io/excerpt.ts";
import type { JsonFields } from "../../io/json_fields.ts";
import { stepsOf } from "./sequence_json.ts";

/**
 * Reports what Hugging Face's encode() does by default to the ids of a text. With `add_special_tokens=False`, and
 * truncation and padding off, it gives the same ids as here.
 *
 * @throws {UserError} If the post_processor is of a kind that might do something else.
 */
export function noteAroundIds(root: JsonFields, onNote: (note: string) => void): void {
  for (const name of ["truncation", "padding"] as const) {
    if (isSet(root, name)) {
      root.object(name);
      onNote(`${name} is left out: texts are encoded whole, as they are`);
    }
  }
  if (!isSet(root, "post_processor")) return;
  const added = stepsOf(root.object("post_processor"), "processors").flatMap(addedBy);
  if (added.length > 0) {
    onNote(
      `the post_processor is left out: it puts ${excerpt(added.join(" "))} around each text, here no token is added`,
    );
  }
}

/** The tokens that a step of a post_processor adds to one text. */
function addedBy(processor: JsonFields): string[] {
  switch (processor.value("type")) {
    case "ByteLevel": // changes offsets alone
      return [];
    case "TemplateProcessing":
      return processor.objects("single").filter((piece) => piece.has("SpecialToken"))
        .map((piece) => piece.object("SpecialToken").string("id"));
    case "BertProcessing":
    case "RobertaProcessing":
      return ["cls", "sep"].map((name) => {
        const [token] = processor.list(name); // then its id
        return typeof token === "string" ? token : processor.refuse(name, "a token and its id");
      });
    default:
      return processor.refuse("type", "ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing or Sequence");
  }
}

/** Whether a field is there and not `null`, which here is the same as none. */
function isSet(fields: JsonFields, name: string): boolean {
  return fields.has(name) && fields.value(name) !== null;
}
