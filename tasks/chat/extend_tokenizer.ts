// A tokenizer with a chat template, and with the special tokens that the template needs.
import { isFile } from "../../lib/io/is_file.ts";
import { readTextIfPresent } from "../../lib/io/read_text.ts";
import { TokenBytes } from "../../lib/tokenizer/encode/token_bytes.ts";
import { specialBytes } from "../../lib/tokenizer/pretokenize/special_tokens.ts";
import { Tokenizer } from "../../lib/tokenizer/tokenizer.ts";
import { NAMED_TEMPLATES } from "./named_templates.ts";

/** What special tokens look like in most templates. */
const SPECIAL_TOKEN = /<\|\w+\|>/g;

/** A tokenizer, and the special tokens that it got. */
export interface ExtendedTokenizer {
  readonly tokenizer: Tokenizer;
  readonly added: readonly string[];
}

/**
 * A tokenizer with the special tokens that a template needs: those that are known of a named one, and what looks like one
 * in a file's text. New ones get the ids after all others.
 *
 * @param given What --chat-template says: a name, or a file's path.
 */
export async function withTokensOf(tokenizer: Tokenizer, given: string): Promise<ExtendedTokenizer> {
  if (Object.hasOwn(tokenizer.chatTemplates, given)) return { tokenizer, added: [] };
  const has = (text: string) => tokenizer.specialTokens.has(text);
  const needed = Object.hasOwn(NAMED_TEMPLATES, given)
    ? NAMED_TEMPLATES[given].specialTokens
    : await tokensInFile(given);
  const added = [...new Set(needed)].filter((text) => !has(text));
  if (added.length === 0) return { tokenizer, added };
  const { vocabulary } = tokenizer;
  const tokens = new TokenBytes(vocabulary.tokens.size + added.length);
  for (let id = 0; id < vocabulary.tokens.size; id++) {
    if (vocabulary.tokens.byteLength(id) > 0) tokens.set(id, vocabulary.tokens.get(id));
  }
  const specials = added.map((text, i) => ({ text, id: vocabulary.tokens.size + i }));
  for (const { text, id } of specials) tokens.set(id, specialBytes(text));
  return {
    tokenizer: new Tokenizer({ ...vocabulary, tokens, specials: [...vocabulary.specials, ...specials] }),
    added,
  };
}

/** A tokenizer that has a template as its usual one, which is saved with it. */
export function withTemplate({ vocabulary }: Tokenizer, text: string): Tokenizer {
  return new Tokenizer({ ...vocabulary, config: { ...vocabulary.config, chatTemplate: text } });
}

async function tokensInFile(path: string): Promise<readonly string[]> {
  // Whatever is wrong with it is said by who uses it.
  if (!await isFile(path)) return [];
  const text = await readTextIfPresent(path, 1 << 20, "Give a template in Jinja's language") ?? "";
  return text.match(SPECIAL_TOKEN) ?? [];
}
