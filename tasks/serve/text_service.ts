// Requests for text: what is asked for becomes texts of the engine, and these become answers.
import { UserError } from "../../lib/errors.ts";
import { documentStart } from "../../lib/generate/document_start.ts";
import type { BatchText } from "../../lib/generate/batch_text.ts";
import { excerpt } from "../../lib/io/excerpt.ts";
import type { JsonFields } from "../../lib/io/json_fields.ts";
import type { BatchedModel } from "../../lib/run/batched_model.ts";
import type { ChatTemplate } from "../chat/chat_template.ts";
import { answerEnds } from "../chat/find_template.ts";
import { parseMessages } from "../chat/messages.ts";
import { answerPieces, type AnswerToken } from "./answer_pieces.ts";
import { ApiError } from "./api_error.ts";
import { merge } from "./merge.ts";
import { chatFields, completionFields, type Prompt, type TextFields } from "./request_fields.ts";
import { chatFormat, completionFormat, type TextFormat, usageOf } from "./text_format.ts";

/** The most tokens of a completion if the request does not say, as in OpenAI's API. */
const COMPLETION_TOKENS = 16;

/** A model that is served. */
export interface ServedModel {
  /** What requests call it. */
  readonly id: string;
  readonly loaded: BatchedModel;
  /** What turns conversations into its text; a model that only continues text has none. */
  readonly template: ChatTemplate | undefined;
  /** When it was loaded, in seconds since 1970. */
  readonly created: number;
}

/** A request that the engine works on. */
export interface Answering {
  readonly stream: boolean;
  /** The whole answer. */
  readonly whole: () => Promise<unknown>;
  /** The answer in chunks. */
  readonly chunks: () => AsyncGenerator<unknown, void, void>;
}

/** Texts under way, and how they are to be told. */
interface Job {
  readonly fields: TextFields;
  readonly format: TextFormat;
  readonly texts: readonly BatchText[];
  readonly promptTokens: number;
}

/**
 * Continues text, for `/v1/completions`.
 * @throws {ApiError | UserError} If the request cannot be answered.
 */
export function complete(model: ServedModel, request: JsonFields, signal: AbortSignal): Answering {
  const fields = completionFields(request);
  requireModel(model, request);
  const { tokenizer, stopIds } = model.loaded;
  const prompts = fields.prompts.map((prompt) => idsOf(model, prompt));
  const most = fields.maxTokens ?? COMPLETION_TOKENS;
  return answering(model, start(model, prompts, { fields, most, stopIds, signal }, completionFormat(tokenizer)));
}

/**
 * Answers a conversation, for `/v1/chat/completions`.
 * @throws {ApiError | UserError} If the request cannot be answered.
 */
export function chat(model: ServedModel, request: JsonFields, signal: AbortSignal): Answering {
  const fields = chatFields(request);
  requireModel(model, request);
  const { template, loaded: { tokenizer, stopIds, config: { contextLength } } } = model;
  if (template === undefined) {
    throw new ApiError(
      400,
      `Cannot chat: got ${excerpt(model.id)}, a model without a chat template, must be one that was trained on ` +
        "conversations. Use /v1/completions, or start the server with --chat-template",
      { code: "no_chat_template", param: "messages" },
    );
  }
  const ids = [...tokenizer.encode(textOf(fields.messages, template))];
  // Whatever there is room for; but always some, so that a conversation that is too long is refused.
  const most = fields.maxTokens ?? Math.max(1, contextLength - ids.length);
  const ends = answerEnds(tokenizer, template, stopIds);
  return answering(model, start(model, [ids], { fields, most, stopIds: ends, signal }, chatFormat(tokenizer)));
}

/** @throws {ApiError} If there is something wrong with the messages, or the template does not take them. */
function textOf(messages: unknown, template: ChatTemplate): string {
  try {
    return template.render(parseMessages(messages, "the request"), { addGenerationPrompt: true });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new ApiError(400, error.message, { param: "messages" });
  }
}

/** @throws {ApiError} If the request names another model. */
function requireModel({ id }: ServedModel, fields: JsonFields): void {
  if (!fields.has("model")) return;
  const name = fields.string("model");
  if (name !== id) throw noSuchModel(name, id);
}

/** That there is no model of a name. */
export function noSuchModel(name: string, id: string): ApiError {
  const message = `Cannot find a model: got ${excerpt(name)}, must be ${excerpt(id)}`;
  return new ApiError(404, message, { code: "model_not_found", param: "model" });
}

function idsOf({ loaded: { tokenizer, config: { vocabSize } } }: ServedModel, prompt: Prompt): readonly number[] {
  if (typeof prompt === "string") return [...tokenizer.encode(prompt === "" ? documentStart(tokenizer) : prompt)];
  const unknown = prompt.find((id) => id >= vocabSize || !tokenizer.hasToken(id));
  if (unknown === undefined) return prompt;
  throw new ApiError(400, `Cannot read the request: got token id ${unknown}, must be one of the tokenizer's`, {
    param: "prompt",
  });
}

/** Hands all texts of a request to the engine: each prompt as often as asked for, with seeds that count up. */
function start(
  { loaded: { engine } }: ServedModel,
  prompts: readonly (readonly number[])[],
  { fields, most, stopIds, signal }: {
    readonly fields: TextFields;
    readonly most: number;
    readonly stopIds: readonly number[];
    readonly signal: AbortSignal;
  },
  format: TextFormat,
): Job {
  const count = prompts.length * fields.n;
  if (count > engine.capacity) {
    throw new ApiError(
      400,
      `Cannot answer: got ${prompts.length} prompts with n ${fields.n}, must be at most ${engine.capacity} texts together`,
      { param: "n" },
    );
  }
  const { temperature, topP, likeliest } = fields;
  const options = { temperature, topP, likeliest, stopIds, signal, maxTokens: most };
  const requests = prompts.flatMap((prompt) =>
    Array.from({ length: fields.n }, (_, i) => ({ ...options, prompt, seed: fields.seed + i }))
  );
  const promptTokens = prompts.reduce((sum, { length }) => sum + length, 0);
  return { fields, format, texts: engine.submitAll(requests), promptTokens };
}

function answering(model: ServedModel, job: Job): Answering {
  const about = { id: `${job.format.prefix}${crypto.randomUUID()}`, created: now(), model: model.id };
  const answers = () => job.texts.map((text) => answerPieces(text, model.loaded.tokenizer, job.fields.stop));
  return {
    stream: job.fields.stream,
    whole: async () => await wholeAnswer(about, job, answers()),
    chunks: () => chunksOf(about, job, answers()),
  };
}

/** Seconds since 1970. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}

type Answers = readonly ReturnType<typeof answerPieces>[];

async function wholeAnswer(about: object, { fields, format, promptTokens }: Job, answers: Answers): Promise<unknown> {
  const parts = answers.map(() => ({ text: "", tokens: [] as AnswerToken[], finish: "" }));
  let completionTokens = 0;
  for await (const { index, value, done } of merge(answers)) {
    const part = parts[index];
    if (done) {
      part.finish = value.finish;
      completionTokens += value.tokens;
    } else {
      part.text += value.text;
      if (fields.likeliest !== undefined) part.tokens.push(...value.tokens);
    }
  }
  const choices = parts.map(({ text, tokens, finish }, index) => ({
    index,
    ...format.whole(text, fields.likeliest === undefined ? undefined : tokens),
    finish_reason: finish,
  }));
  return { ...about, object: format.object, choices, usage: usageOf({ promptTokens, completionTokens }) };
}

async function* chunksOf(about: object, job: Job, answers: Answers): AsyncGenerator<unknown, void, void> {
  const { fields, format, promptTokens } = job;
  const usage = fields.includeUsage ? { usage: null } : {};
  const chunk = (index: number, choice: object, finish: string | null = null) => ({
    ...about,
    object: format.chunkObject,
    choices: [{ index, ...choice, finish_reason: finish }],
    ...usage,
  });
  let completionTokens = 0;
  if (format.begin !== undefined) { for (const index of answers.keys()) yield chunk(index, format.begin); }
  for await (const { index, value, done } of merge(answers)) {
    if (done) {
      completionTokens += value.tokens;
      yield chunk(index, format.end, value.finish);
    } else {
      yield chunk(index, format.piece(value.text, fields.likeliest === undefined ? undefined : value.tokens));
    }
  }
  if (!fields.includeUsage) return;
  const used = usageOf({ promptTokens, completionTokens });
  yield { ...about, object: format.chunkObject, choices: [], usage: used };
}
