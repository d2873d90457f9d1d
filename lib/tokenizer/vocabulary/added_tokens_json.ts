// The added_tokens of a tokenizer.json.
import { excerpt } from "../../io/excerpt.ts";
import type { JsonFields } from "../../io/json_fields.ts";
import type { SpecialToken } from "../pretokenize/special_tokens.ts";
import { TOKENIZER_JSON_KEYS as KEYS } from "./tokenizer_json_keys.ts";

/** The flags, as a file names them; each is false where it is not there. */
const FLAGS = { single_word: "singleWord", lstrip: "lstrip", rstrip: "rstrip", normalized: "normalized" } as const;

/**
 * Reads the added tokens, each once.
 *
 * @throws {UserError} If a token has keys that are not known.
 */
export function readAddedTokens(root: JsonFields): SpecialToken[] {
  if (!root.has("added_tokens")) return [];
  const seen = new Map<string, number>();
  return root.objects("added_tokens").map(readAddedToken).filter(({ text, id }) => {
    if (seen.get(text) === id) return false;
    seen.set(text, id); // with two ids it is refused where ids are given
    return true;
  });
}

function readAddedToken(token: JsonFields): SpecialToken {
  token.allowOnly(Object.keys(KEYS.added_token));
  const set = Object.entries(FLAGS).filter(([name]) => token.booleanOrNone(name) === true);
  return {
    text: token.string("content"),
    id: token.integer("id", { min: 0 }),
    ...Object.fromEntries(set.map(([, flag]) => [flag, true])),
    ...(token.booleanOrNone("special") === false && { special: false }),
  };
}

/** An added token, as a tokenizer.json writes it. */
export function writeAddedToken({ text, id, special, ...flags }: SpecialToken) {
  return {
    id,
    content: text,
    single_word: flags.singleWord ?? false,
    lstrip: flags.lstrip ?? false,
    rstrip: flags.rstrip ?? false,
    normalized: flags.normalized ?? false,
    special: special ?? true,
  };
}

/**
 * Whether tokens with `normalized` and without have to be looked for one after the other even in text that nothing
 * changes. Those without are found in the whole text first, the others in what is left; to look for all of them at once,
 * the leftmost first and the longest of those, is the same unless one of the others holds one of the first, or ends as one
 * of them begins.
 */
export function needsTwoSearches(tokens: readonly SpecialToken[]): boolean {
  const wholes = new Set(tokens.filter(({ normalized }) => normalized !== true).map(({ text }) => text));
  const starts = new Set([...wholes].flatMap((text) => positions(text).map((i) => text.slice(0, i + 1))));
  const longest = Math.max(...[...wholes].map(({ length }) => length));
  const overlaps = (text: string, from: number) => {
    if (from > 0 && starts.has(text.slice(from))) return true;
    for (let to = from + 1; to < text.length && to <= from + longest; to++) {
      if (wholes.has(text.slice(from, to))) return true;
    }
    return false;
  };
  return tokens.some(({ text, normalized }) =>
    normalized === true && positions(text).some((from) => overlaps(text, from))
  );
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
