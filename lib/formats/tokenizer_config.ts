// tokenizer_config.json beside a tokenizer: what transformers' AutoTokenizer knows of it, and templates for chats.
import { isFile } from "../io/is_file.ts";
import { JsonFields } from "../io/json_fields.ts";
import type { NormalizerStep } from "../tokenizer/normalize/normalizer_steps.ts";
import type { Pattern } from "../tokenizer/pretokenize/named_patterns.ts";
import { NAMED_PATTERNS } from "../tokenizer/pretokenize/named_patterns.ts";
import { decodeTokenizerText, requireTextSize } from "../tokenizer/vocabulary/tokenizer_text.ts";
import { readNormalizer, readNormalizerStep } from "../tokenizer/vocabulary/normalizer_json.ts";
import { readPattern, readPatternField } from "../tokenizer/vocabulary/pre_tokenizer_json.ts";
import type { TokenizerConfig, Vocabulary } from "../tokenizer/vocabulary/vocabulary.ts";

/** The file's name. */
export const TOKENIZER_CONFIG = "tokenizer_config.json";
/** The file that newer versions of transformers write the template to. */
export const CHAT_TEMPLATE = "chat_template.jinja";

/** How text is changed and split. */
export interface TextSplit {
  readonly pattern: Pattern;
  readonly normalizer?: readonly NormalizerStep[];
}

/**
 * What is written beside the tokenizer in a directory; `undefined` if nothing is.
 *
 * @throws {UserError} If the file is not a JSON object.
 */
export async function readTokenizerConfig(dir: string): Promise<TokenizerConfig | undefined> {
  const json = await readIfPresent(`${dir}${TOKENIZER_CONFIG}`);
  const chatTemplate = await readIfPresent(`${dir}${CHAT_TEMPLATE}`);
  if (json === undefined && chatTemplate === undefined) return undefined;
  const settings = json === undefined
    ? undefined
    : JsonFields.parse(json, sourceOf(`${dir}${TOKENIZER_CONFIG}`)).record;
  return { ...(settings && { settings }), ...(chatTemplate !== undefined && { chatTemplate }) };
}

/** Source of names: transformers, what the tokenizers of models are made of. */
const CLASSES: Readonly<Record<string, TextSplit>> = {
  GPT2Tokenizer: { pattern: "gpt2" },
  CodeGenTokenizer: { pattern: "gpt2" },
  RobertaTokenizer: { pattern: "gpt2" },
  BartTokenizer: { pattern: "gpt2" },
  Qwen2Tokenizer: { pattern: NAMED_PATTERNS.qwen2, normalizer: [{ type: "NFC" }] },
  QWenTokenizer: { pattern: NAMED_PATTERNS.qwen2, normalizer: [{ type: "NFC" }] },
};

/**
 * How text is split, by a tokenizer.json or the class in a tokenizer_config.json in a directory; `undefined` if neither
 * says it.
 *
 * @throws {UserError} If one of them is damaged, or says what is not known here.
 */
export async function textSplitBeside(dir: string): Promise<TextSplit | undefined> {
  const path = `${dir}tokenizer.json`;
  const json = await readIfPresent(path);
  if (json !== undefined) {
    const root = JsonFields.parse(json, sourceOf(path));
    const normalizer = readNormalizer(root);
    return { pattern: readPattern(root, path), ...(normalizer.length > 0 && { normalizer }) };
  }
  const settings = (await readTokenizerConfig(dir))?.settings ?? {};
  if (settings[OWN_PATTERN] !== undefined) return readOwn(settings, `${dir}${TOKENIZER_CONFIG}`);
  const name = String(settings.tokenizer_class).replace(/Fast$/, "");
  if (!Object.hasOwn(CLASSES, name)) return undefined;
  if (settings.add_prefix_space !== true) return CLASSES[name];
  return { pattern: [{ type: "ByteLevel", add_prefix_space: true, use_regex: true }] };
}

/** Texts that end a text, begin one, or fill one up, as models call them. */
const ROLES = {
  bos_token: ["<s>", "<|begin_of_text|>", "<bos>", "<|bos|>", "<|startoftext|>"],
  eos_token: ["<|endoftext|>", "</s>", "<|end_of_text|>", "<eos>", "<|eos|>"],
  pad_token: ["<pad>", "<|pad|>", "[PAD]"],
} as const;

/**
 * The text of a tokenizer_config.json: as it was read, or for a tokenizer that was made here, with which transformers'
 * AutoTokenizer knows the tokens that end, begin and fill texts. Where there is only one that ends them, it is all three.
 */
export function formatTokenizerConfig({ config, specials, pattern, normalizer, sentencePieces }: Vocabulary): string {
  if (config?.settings !== undefined) return JSON.stringify(config.settings, null, 2);
  const texts = new Set(specials.map(({ text }) => text));
  const of = (names: readonly string[]) => names.find((name) => texts.has(name));
  const eos = of(ROLES.eos_token);
  const bos = of(ROLES.bos_token) ?? eos, pad = of(ROLES.pad_token) ?? eos;
  return JSON.stringify(
    {
      tokenizer_class: "PreTrainedTokenizerFast",
      ...(bos !== undefined && { bos_token: bos }),
      ...(eos !== undefined && { eos_token: eos }),
      ...(pad !== undefined && { pad_token: pad }),
      clean_up_tokenization_spaces: false,
      ...(sentencePieces === undefined && { [OWN_PATTERN]: pattern }),
      ...(sentencePieces === undefined && normalizer !== undefined && { [OWN_NORMALIZER]: normalizer }),
    },
    null,
    2,
  );
}

/** What only bytelm reads: how text is split, for a vocab.json and a merges.txt without a tokenizer.json. */
const OWN_PATTERN = "bytelm_pattern";
const OWN_NORMALIZER = "bytelm_normalizer";

function readOwn(settings: Readonly<Record<string, unknown>>, name: string): TextSplit {
  const fields = JsonFields.of(settings, sourceOf(name));
  const normalizer = fields.has(OWN_NORMALIZER) ? fields.objects(OWN_NORMALIZER).map(readNormalizerStep) : undefined;
  return { pattern: readPatternField(fields, OWN_PATTERN, name), ...(normalizer && { normalizer }) };
}

async function readIfPresent(path: string): Promise<string | undefined> {
  if (!await isFile(path)) return undefined;
  const { size } = await Deno.stat(path);
  requireTextSize(size, path);
  return decodeTokenizerText(await Deno.readFile(path), path);
}

function sourceOf(name: string) {
  return { name, nextStep: "Fetch it again, or take it away" };
}
