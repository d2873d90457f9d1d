// Which chat template is used, with which special tokens, and where an answer ends.
import { isJsonObject } from "../../lib/io/json_fields.ts";
import { isFile } from "../../lib/io/is_file.ts";
import { readTextIfPresent } from "../../lib/io/read_text.ts";
import type { Tokenizer } from "../../lib/tokenizer/mod.ts";
import { END_OF_TEXT } from "../../lib/generate/document_start.ts";
import { UserError } from "../cli/errors.ts";
import { ChatTemplate, type TemplateTokens } from "./chat_template.ts";
import { NAMED_TEMPLATES } from "./named_templates.ts";

/** `--chat-template`. */
export const CHAT_TEMPLATE_FLAG = { type: "string" } as const;

/** What `--chat-template` may name, for `--help`. */
export const TEMPLATE_NAMES = Object.keys(NAMED_TEMPLATES).join(", ");

/** The largest template in a file. */
const MAX_TEMPLATE_BYTES = 1 << 20;

/** Special tokens as a tokenizer_config.json names them. */
const TOKEN_NAMES = ["bos_token", "eos_token", "unk_token", "pad_token"] as const;

/** Tokens that end what one speaker says, in templates in use. */
const END_TOKENS = ["<|im_end|>", "<|eot_id|>", "<|end|>", "<|return|>", "<end_of_turn>", "<|endoftext|>", "</s>"];

/**
 * The template that is asked for, or that came with a tokenizer; `undefined` if neither is there.
 *
 * @param given A template's name, of those that came with the tokenizer or those in `NAMED_TEMPLATES`, or a file's path.
 * @throws {UserError} If there is none of that name, it is not in Jinja's language, or the tokenizer lacks its tokens.
 */
export async function findChatTemplate(
  tokenizer: Tokenizer,
  given?: string,
): Promise<ChatTemplate | undefined> {
  const { text, name } = given === undefined ? ownTemplate(tokenizer) : await givenTemplate(tokenizer, given);
  return text === undefined ? undefined : await ChatTemplate.parse(text, name, templateTokens(tokenizer));
}

function ownTemplate({ chatTemplates }: Tokenizer): { readonly text: string | undefined; readonly name: string } {
  const names = Object.keys(chatTemplates);
  // Of several, another than the default is for tools or documents, which nobody passes here.
  const name = names.length === 1 ? names[0] : "default";
  return { text: chatTemplates[name], name: "the model" };
}

async function givenTemplate(
  tokenizer: Tokenizer,
  given: string,
): Promise<{ readonly text: string; readonly name: string }> {
  const { chatTemplates, specialTokens } = tokenizer;
  if (Object.hasOwn(chatTemplates, given)) return { text: chatTemplates[given], name: given };
  if (Object.hasOwn(NAMED_TEMPLATES, given)) {
    const { text, specialTokens: needed } = NAMED_TEMPLATES[given];
    const missing = needed.filter((token) => !specialTokens.has(token));
    if (missing.length === 0) return { text, name: given };
    throw new UserError(
      `Cannot use the chat template ${given}: got a tokenizer without ${
        missing.join(" and ")
      }, must have these special ` +
        "tokens. Use the template that the model was trained with",
    );
  }
  if (!await isFile(given)) {
    throw new UserError(
      `Cannot use the chat template ${given}: got no such file, must be a file or one of ${
        [...Object.keys(chatTemplates), ...Object.keys(NAMED_TEMPLATES)].join(", ")
      }. Check the path`,
    );
  }
  const text = await readTextIfPresent(given, MAX_TEMPLATE_BYTES, "Give a template in Jinja's language");
  return { text: text ?? "", name: given };
}

/** The special tokens that a template may use, as they stand beside the tokenizer or in it. */
export function templateTokens({ vocabulary, specialTokens }: Tokenizer): TemplateTokens {
  const settings = vocabulary.config?.settings ?? {};
  const said = TOKEN_NAMES.flatMap((name): [string, string][] => {
    const value = settings[name];
    const text = isJsonObject(value) ? value.content : value;
    return typeof text === "string" ? [[name, text]] : [];
  });
  const end: [string, string][] = specialTokens.has(END_OF_TEXT)
    ? [["bos_token", END_OF_TEXT], ["eos_token", END_OF_TEXT]]
    : [];
  return Object.fromEntries([...end, ...said]);
}

/**
 * The ids at which an answer stops: the tokenizer's `eos_token`, those that the model's files say, and tokens that end a
 * message in the template.
 *
 * @param stopIds What the model's files say.
 */
export function answerEnds(tokenizer: Tokenizer, template: ChatTemplate, stopIds: readonly number[]): number[] {
  const { specialTokens } = tokenizer;
  const { eos_token: eos } = templateTokens(tokenizer);
  const texts = [...eos === undefined ? [] : [eos], ...END_TOKENS.filter((text) => template.text.includes(text))];
  const ids = texts.flatMap((text) => specialTokens.get(text) ?? []);
  return [...new Set([...ids, ...stopIds])];
}
