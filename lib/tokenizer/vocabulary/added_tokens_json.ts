// The added_tokens of a tokenizer.json.
import { UserError } from "../../errors.ts";
import { excerpt } from "../../io/excerpt.ts";
import type { JsonFields } from "../../io/json_fields.ts";
import type { SpecialToken } from "../pretokenize/special_tokens.ts";
import { TOKENIZER_JSON_KEYS as KEYS } from "./tokenizer_json_keys.ts";

interface AddedToken extends SpecialToken {
  readonly normalized: boolean;
}

/**
 * Reads the added tokens, each once.
 *
 * @param name The file's name, for messages.
 * @throws {UserError} If a token must be found in any other way than by its text.
 */
export function readAddedTokens(root: JsonFields, name: string): SpecialToken[] {
  if (!root.has("added_tokens")) return [];
  const tokens = root.objects("added_tokens").map(readAddedToken);
  requireOneOrder(tokens, name);
  const seen = new Map<string, number>();
  return tokens.filter(({ text, id }) => {
    if (seen.get(text) === id) return false;
    seen.set(text, id); // with two ids it is refused where ids are given
    return true;
  }).map(({ text, id }) => ({ text, id }));
}

function readAddedToken(token: JsonFields): AddedToken {
  token.allowOnly(Object.keys(KEYS.added_token));
  for (const key of ["single_word", "lstrip", "rstrip"] as const) {
    if (token.booleanOrNone(key) === true) {
      token.refuse(key, `false for added token ${excerpt(token.value("content"))}`);
    }
  }
  token.booleanOrNone("special");
  const text = token.string("content");
  return { text, id: token.integer("id", { min: 0 }), normalized: token.booleanOrNone("normalized") ?? false };
}

/**
 * Hugging Face finds the tokens with `normalized: false` in the whole text first, the others in what is left; here the
 * leftmost is found first, whichever it is, and the longest of those. It is the same unless one of the others holds one
 * of the first, or ends as one of them begins.
 */
function requireOneOrder(tokens: readonly AddedToken[], name: string): void {
  const wholes = new Set(tokens.filter(({ normalized }) => !normalized).map(({ text }) => text));
  const starts = new Set([...wholes].flatMap((text) => positions(text).map((i) => text.slice(0, i + 1))));
  const longest = Math.max(...[...wholes].map(({ length }) => length));
  const overlaps = (text: string, from: number) => {
    if (from > 0 && starts.has(text.slice(from))) return true;
    for (let to = from + 1; to < text.length && to <= from + longest; to++) {
      if (wholes.has(text.slice(from, to))) return true;
    }
    return false;
  };
  for (const { text, normalized } of tokens) {
    if (!normalized || !positions(text).some((from) => overlaps(text, from))) continue;
    throw new UserError(
      `Cannot read ${name}: got added token ${excerpt(text)} with normalized, which overlaps one without, must be ` +
        `alike in normalized where they overlap. Set normalized to false in all of them`,
    );
  }
}

function positions(text: string): number[] {
  return Array.from({ length: text.length }, (_, i) => i);
}

/**
 * Warns about added tokens whose ids in Hugging Face's tokenizers differ from the file's: there, a token that is not in
 * the model's vocabulary gets the next id.
 */
export function noteOtherIds(
  added: readonly SpecialToken[],
  vocab: Readonly<Record<string, unknown>>,
  onNote: (note: string) => void,
): void {
  const vocabSize = Object.keys(vocab).length;
  let next = vocabSize;
  for (const { text, id } of added) {
    if (Object.hasOwn(vocab, text)) continue;
    if (id !== next) {
      onNote(`added token ${excerpt(text)} has id ${id}, as the file says; Hugging Face's tokenizers give it ${next}`);
    }
    next++;
  }
}
