// What the fields of requests for text mean; those that mean nothing here are refused by name.
import type { JsonFields } from "../../lib/io/json_fields.ts";
import { LARGEST_FIRST_SEED } from "../../lib/random/philox.ts";

/** What every request for text says. */
export interface TextFields {
  /** Texts for each prompt. */
  readonly n: number;
  /** The most tokens of each; without it, whatever the endpoint takes. */
  readonly maxTokens: number | undefined;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  readonly stop: readonly string[];
  /** How many of the likeliest tokens are wanted with each; `undefined` if not even its own log-probability. */
  readonly likeliest: number | undefined;
  readonly stream: boolean;
  /** Whether a stream ends with what was used. */
  readonly includeUsage: boolean;
}

/** Most texts for a prompt, and most stop strings, as in OpenAI's API. */
const MAX_N = 128;
const MAX_STOPS = 4;

/** Seeds that are chosen here, if none is given. */
const OWN_SEEDS = 2 ** 32;

/** Fields that both endpoints know. */
const SHARED = ["model", "max_tokens", "temperature", "top_p", "n", "stop", "seed", "logprobs", "stream", "user"];

/** Fields that are known, but can say nothing else than what happens anyway. */
const NEUTRAL: Readonly<Record<string, unknown>> = { frequency_penalty: 0, presence_penalty: 0 };

/** What is peculiar to `/v1/completions`. */
export function completionFields(fields: JsonFields): TextFields & { readonly prompts: readonly Prompt[] } {
  checkNames(fields, ["prompt", "stream_options"], { ...NEUTRAL, best_of: 1, echo: false, suffix: "", logit_bias: {} });
  const likeliest = fields.integerOrNone("logprobs", { min: 0, max: 5 });
  return { ...textFields(fields), likeliest, prompts: promptsOf(fields) };
}

/** What is peculiar to `/v1/chat/completions`. */
export function chatFields(fields: JsonFields): TextFields & { readonly messages: unknown } {
  const names = ["messages", "max_completion_tokens", "top_logprobs", "stream_options"];
  checkNames(fields, names, { ...NEUTRAL, logit_bias: {}, tools: [], response_format: { type: "text" } });
  const wanted = fields.booleanOrNone("logprobs") ?? false;
  const top = fields.integerOrNone("top_logprobs", { min: 0, max: 20 });
  if (top !== undefined && !wanted) fields.refuse("top_logprobs", 'left out unless "logprobs" is true');
  const most = fields.integerOrNone("max_completion_tokens", { min: 1 });
  if (most !== undefined && fields.has("max_tokens")) {
    fields.refuse("max_completion_tokens", 'left out where "max_tokens" is given');
  }
  const shared = textFields(fields);
  const likeliest = wanted ? top ?? 0 : undefined;
  return { ...shared, maxTokens: shared.maxTokens ?? most, likeliest, messages: fields.list("messages") };
}

/** A prompt: text, or token ids. */
export type Prompt = string | readonly number[];

function textFields(fields: JsonFields): Omit<TextFields, "likeliest"> {
  const { min, max } = { min: 0, max: 2 };
  const topP = fields.numberOrNone("top_p", { min: 0, max: 1 }) ?? 1;
  if (topP === 0) fields.refuse("top_p", "a number above 0 and at most 1");
  const stream = fields.booleanOrNone("stream") ?? false;
  return {
    n: fields.integerOrNone("n", { min: 1, max: MAX_N }) ?? 1,
    maxTokens: fields.integerOrNone("max_tokens", { min: 1 }),
    temperature: fields.numberOrNone("temperature", { min, max }) ?? 1,
    topP,
    seed: fields.integerOrNone("seed", { min: 0, max: LARGEST_FIRST_SEED }) ?? Math.floor(Math.random() * OWN_SEEDS),
    stop: stopsOf(fields),
    stream,
    includeUsage: streamOptions(fields, stream),
  };
}

/** @throws {JsonFieldError} Naming the first field that is unknown or asks for what there is not. */
function checkNames(fields: JsonFields, own: readonly string[], neutral: Readonly<Record<string, unknown>>): void {
  fields.allowOnly([...SHARED, ...own, ...Object.keys(neutral)]);
  for (const [name, value] of Object.entries(neutral)) {
    if (!fields.has(name) || JSON.stringify(fields.value(name)) === JSON.stringify(value)) continue;
    fields.refuse(name, `left out, or ${JSON.stringify(value)}: nothing else is supported`);
  }
  if (fields.has("user")) fields.string("user");
}

function stopsOf(fields: JsonFields): readonly string[] {
  const stop = fields.value("stop");
  if (stop === undefined) return [];
  const stops: readonly unknown[] = Array.isArray(stop) ? stop : [stop];
  const texts = stops.filter((text) => typeof text === "string" && text !== "");
  if (texts.length !== stops.length || stops.length > MAX_STOPS) {
    fields.refuse("stop", `a text, or a list of up to ${MAX_STOPS}, none of them empty`);
  }
  return texts as string[];
}

function streamOptions(fields: JsonFields, stream: boolean): boolean {
  const options = fields.objectOrNone("stream_options");
  if (options === undefined) return false;
  if (!stream) fields.refuse("stream_options", 'left out unless "stream" is true');
  options.allowOnly(["include_usage"]);
  return options.booleanOrNone("include_usage") ?? false;
}

/** One prompt or several, as text or token ids; an empty one, which begins a document, if there is none. */
function promptsOf(fields: JsonFields): readonly Prompt[] {
  const prompt = fields.value("prompt") ?? "";
  if (isPrompt(prompt)) return [prompt];
  if (Array.isArray(prompt) && prompt.length > 0 && prompt.every(isPrompt)) return prompt;
  return fields.refuse("prompt", "a text, a list of token ids, or a list of such prompts");
}

function isPrompt(value: unknown): value is Prompt {
  if (typeof value === "string") return true;
  return Array.isArray(value) && value.length > 0 && value.every((id) => Number.isSafeInteger(id) && id >= 0);
}
