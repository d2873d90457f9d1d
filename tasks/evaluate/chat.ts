// evaluate --chat: how well a model answers, beside the answers of a file of conversations.
import { formatCount, formatShare } from "../../lib/accounting/units.ts";
import { scoreExamples } from "../../lib/evaluate/score_examples.ts";
import { LoadedModel } from "../../lib/run/loaded_model.ts";
import type { Tokenizer } from "../../lib/tokenizer/mod.ts";
import type { ChatTemplate } from "../chat/chat_template.ts";
import { type ConversationTokens, openConversations } from "../chat/conversation_tokens.ts";
import { answerEnds, findChatTemplate, TEMPLATE_NAMES } from "../chat/find_template.ts";
import { startBackend } from "../cli/backend.ts";
import { UserError } from "../cli/errors.ts";
import { requireInputFile } from "../cli/files.ts";
import { untilInterrupted } from "../cli/interrupt.ts";
import { loadRun } from "../cli/load_run.ts";
import { startProgress } from "../cli/progress.ts";
import type { EvaluateSettings } from "./flags.ts";
import { matchAnswer } from "./match_answer.ts";

/** The last answer of a conversation, and what comes before it. */
interface LastAnswer {
  readonly prompt: readonly number[];
  readonly expected: string;
}

/** Measures the loss on a file's answers, and how many of the last ones the model gives word for word; prints both. */
export async function evaluateChat(flags: EvaluateSettings, path: string): Promise<void> {
  await requireInputFile(path);
  const run = await loadRun(flags.run, flags.weights, flags["weights-dtype"]);
  const { tokenizer, weights: weightsPath } = run;
  const template = await requireTemplate(flags.run, tokenizer, flags["chat-template"]);
  const { contextLength } = run.model.config;
  const encoder = new TextEncoder();
  const lastAnswers: LastAnswer[] = [];
  let bytes = 0;
  const source = await openConversations(path, {
    template,
    tokenizer,
    contextLength,
    onConversation: ({ messages, learned }, { ids, answerStart }) => {
      const answers = messages.filter((_, i) => learned[i]);
      for (const { content } of answers) bytes += encoder.encode(content).length;
      lastAnswers.push({ prompt: ids.slice(0, answerStart), expected: answers.at(-1)!.content });
    },
  });
  await using backend = await startBackend(flags.backend, { precision: flags.dtype });
  await using model = await LoadedModel.load(backend, run);
  const { nats, tokens, exactMatch } = await untilInterrupted(async (signal) => ({
    ...await scoreAnswers(model, source, flags, signal),
    exactMatch: await countMatches(model, lastAnswers, template, flags["max-tokens"], signal),
  }));
  const loss = nats / tokens;
  const perplexity = Math.exp(loss);
  const bitsPerByte = nats / Math.LN2 / bytes;
  const conversations = lastAnswers.length;
  if (flags.json) {
    const counts = { conversations, tooLong: source.tooLong, tokens, bytes };
    const found = { loss, perplexity, bitsPerByte, exactMatch };
    console.log(JSON.stringify({ weights: weightsPath, chat: path, ...counts, ...found }, null, 2));
    return;
  }
  const which = conversations === 1 ? "1 conversation" : `${formatCount(conversations)} conversations`;
  const answers = `${formatCount(tokens)} tokens, ${formatCount(bytes)} bytes of answers`;
  console.log(`${which} of ${path}, ${answers}, with ${weightsPath}`);
  console.log(`loss           ${loss.toFixed(4)} nats per token`);
  console.log(`perplexity     ${perplexity.toFixed(2)} per token`);
  console.log(`bits per byte  ${bitsPerByte.toFixed(4)}`);
  const { share, count, unfinished } = exactMatch;
  console.log(
    `exact match    ${formatShare(share)} of last answers (${formatCount(count)} of ${formatCount(conversations)})`,
  );
  if (unfinished > 0) {
    const cut = `cut off by --max-tokens ${flags["max-tokens"]}`;
    console.log(`               the same until ${cut}: ${formatCount(unfinished)} more`);
  }
}

async function requireTemplate(run: string, tokenizer: Tokenizer, given?: string): Promise<ChatTemplate> {
  const template = await findChatTemplate(tokenizer, given);
  if (template !== undefined) return template;
  throw new UserError(
    `Cannot evaluate ${run}: got a tokenizer without a chat template, must be one that has one. Pass --chat-template ` +
      `with a file, or one of ${TEMPLATE_NAMES}`,
  );
}

async function scoreAnswers(
  { backend, model }: LoadedModel,
  source: ConversationTokens,
  flags: EvaluateSettings,
  signal: AbortSignal,
): Promise<{ readonly nats: number; readonly tokens: number }> {
  const { examples } = source;
  const progress = startProgress(examples.starts.length - 1, "loss: {value}/{total} conversations [{bar}]", {});
  try {
    const scores = await scoreExamples(backend, model, source, examples, {
      batchSize: flags["batch-size"],
      precision: flags.dtype,
      onProgress: (done) => progress.update(done, {}),
      signal,
    });
    return {
      nats: scores.reduce((sum, { nats }) => sum + nats, 0),
      tokens: scores.reduce((sum, { tokens }) => sum + tokens, 0),
    };
  } finally {
    progress.stop();
  }
}

/** How many of the model's likeliest answers are the file's. */
async function countMatches(
  model: LoadedModel,
  lastAnswers: readonly LastAnswer[],
  template: ChatTemplate,
  maxTokens: number,
  signal: AbortSignal,
) {
  const { tokenizer } = model;
  const stopIds = answerEnds(tokenizer, template, model.stopIds);
  const bytesOf = (id: number) => tokenizer.decodeBytes([id]);
  let [count, unfinished] = [0, 0];
  const progress = startProgress(lastAnswers.length, "answers: {value}/{total} conversations [{bar}]", {});
  try {
    for (const [i, { prompt, expected }] of lastAnswers.entries()) {
      signal.throwIfAborted();
      const ids = model.generateIds(prompt, { temperature: 0, maxTokens, stopIds, signal });
      const match = await matchAnswer(ids, { expected, bytesOf, maxTokens });
      signal.throwIfAborted();
      if (match === "same") count++;
      if (match === "unfinished") unfinished++;
      progress.update(i + 1, {});
    }
  } finally {
    progress.stop();
  }
  return { share: count / lastAnswers.length, count, unfinished };
}
