// What a tokenizer.json asks for around the ids of a text: left out unless asked for.
import { excerpt } from "../../io/excerpt.ts";
import type { JsonFields } from "../../io/json_fields.ts";
import { stepsOf } from "./sequence_json.ts";

/** Ids that are put before and after a text. */
export interface AroundIds {
  /** Before it. */
  readonly before: readonly number[];
  /** After it. */
  readonly after: readonly number[];
}

/**
 * The ids that Hugging Face's encode() puts around a text by default; `undefined` if there are none. Truncation and
 * padding are reported: texts are encoded whole.
 *
 * @throws {UserError} If the post_processor is of a kind that might do something else.
 */
export function readAroundIds(root: JsonFields, onNote: (note: string) => void): AroundIds | undefined {
  for (const name of ["truncation", "padding"] as const) {
    if (isSet(root, name)) {
      root.object(name);
      onNote(`${name} is left out: texts are encoded whole, as they are`);
    }
  }
  if (!isSet(root, "post_processor")) return undefined;
  const before: Added[] = [], after: Added[] = [];
  for (const step of stepsOf(root.object("post_processor"), "processors")) {
    const around = addedBy(step);
    before.unshift(...around.before);
    after.push(...around.after);
  }
  const all = [...before, ...after];
  if (all.length === 0) return undefined;
  onNote(
    `the post_processor is left out: it puts ${
      excerpt(all.map(({ token }) => token).join(" "))
    } around each text, which is done only where special tokens are asked to be added`,
  );
  return { before: before.flatMap(({ ids }) => ids), after: after.flatMap(({ ids }) => ids) };
}

interface Added {
  readonly token: string;
  readonly ids: readonly number[];
}

/** The tokens that a step of a post_processor adds to one text. */
function addedBy(processor: JsonFields): { readonly before: readonly Added[]; readonly after: readonly Added[] } {
  switch (processor.value("type")) {
    case "ByteLevel": // changes offsets alone
      return { before: [], after: [] };
    case "TemplateProcessing":
      return addedByTemplate(processor);
    case "BertProcessing":
    case "RobertaProcessing": {
      const [before, after] = ["cls", "sep"].map((name): Added => {
        const [token, id] = processor.list(name);
        return typeof token === "string" && typeof id === "number" && Number.isSafeInteger(id) && id >= 0
          ? { token, ids: [id] }
          : processor.refuse(name, "a token and its id");
      });
      return { before: [before], after: [after] };
    }
    default:
      return processor.refuse("type", "ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing or Sequence");
  }
}

function addedByTemplate(processor: JsonFields) {
  const parts = { before: [] as Added[], after: [] as Added[] };
  let place = parts.before, texts = 0;
  for (const piece of processor.objects("single")) {
    if (!piece.has("SpecialToken")) {
      texts++;
      place = parts.after;
      continue;
    }
    const token = piece.object("SpecialToken").string("id");
    const ids = processor.object("special_tokens").object(token).list("ids");
    if (!ids.every((id): id is number => typeof id === "number" && Number.isSafeInteger(id) && id >= 0)) {
      processor.refuse("special_tokens", `ids for ${excerpt(token)}`);
    }
    place.push({ token, ids: ids as number[] });
  }
  if (texts !== 1) processor.refuse("single", "a template with one text");
  return parts;
}

/** Whether a field is there and not `null`, which here is the same as none. */
function isSet(fields: JsonFields, name: string): boolean {
  return fields.has(name) && fields.value(name) !== null;
}
