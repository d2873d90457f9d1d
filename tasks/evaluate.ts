/**
 * Measures how well a trained model predicts a text, what it copied from its training text, how it answers in conversations,
 * or which answer to a question it chooses.
 *
 *   deno task evaluate --run RUN --input FILE.txt
 *   deno task evaluate --run RUN --memorisation --corpus TRAIN.txt --input VALID.txt
 *   deno task evaluate --run RUN --chat CHATS.jsonl
 *   deno task evaluate --run RUN --choices ARC.jsonl
 */
import { tokensInMemory } from "../lib/dataset/token_source.ts";
import { openWeights } from "../lib/run/origin_tensors.ts";
import { scoreTokens } from "../lib/evaluate/score.ts";
import { startBackend } from "./cli/backend.ts";
import { parseDocumentSeparator, separatorTokens } from "./cli/document_separator.ts";
import { untilInterrupted } from "./cli/interrupt.ts";
import { loadRun } from "./cli/load_run.ts";
import { startProgress } from "./cli/progress.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { evaluateChat } from "./evaluate/chat.ts";
import { evaluateChoices } from "./evaluate/choices.ts";
import { type EvaluateSettings, FLAGS, HELP, modeOf, requireStride, withDefaults } from "./evaluate/flags.ts";
import { evaluateMemorisation } from "./evaluate/memorisation.ts";
import { findText, readTokens } from "./evaluate/read_tokens.ts";

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "evaluate", help: HELP, flags: FLAGS }, args, async (flags) => {
    const mode = modeOf(flags);
    if (mode.kind === "memorisation") await evaluateMemorisation(withDefaults(flags), mode.corpus);
    else if (mode.kind === "chat") await evaluateChat(withDefaults(flags), mode.path);
    else if (mode.kind === "choices") await evaluateChoices(withDefaults(flags), mode.path);
    else await evaluateLoss(withDefaults(flags), mode.input);
  });
}

async function evaluateLoss(flags: EvaluateSettings, input: string): Promise<void> {
  parseDocumentSeparator("evaluate", flags["document-separator"]);
  const text = await findText(input, flags);
  const { model, tokenizer, weights: weightsPath } = await loadRun(flags.run, flags.weights, flags["weights-dtype"]);
  requireStride(flags.stride, model.config.contextLength);
  const separators = separatorTokens("evaluate", flags.run, tokenizer, flags);
  const { ids, bytes } = await untilInterrupted((signal) =>
    readTokens(tokenizer, text, { field: flags.field, signal, ...separators })
  );
  const source = tokensInMemory(ids, input);
  using opened = await openWeights(weightsPath);
  await using backend = await startBackend(flags.backend, { precision: flags.dtype });
  const progress = startProgress(source.length - 1, "{value}/{total} tokens [{bar}]", {});
  const { nats, tokens } = await untilInterrupted(async (signal) => {
    try {
      return await scoreTokens(backend, model, source, {
        stride: flags.stride,
        batchSize: flags["batch-size"],
        precision: flags.dtype,
        weights: opened.weights,
        onProgress: (done) => progress.update(done, {}),
        signal,
      });
    } finally {
      progress.stop();
    }
  });
  const loss = nats / tokens;
  const perplexity = Math.exp(loss);
  const bitsPerByte = nats / Math.LN2 / bytes;
  if (flags.json) {
    console.log(JSON.stringify({ weights: weightsPath, input, tokens, bytes, loss, perplexity, bitsPerByte }, null, 2));
    return;
  }
  const count = (n: number) => n.toLocaleString("en-US");
  console.log(`${count(tokens)} tokens, ${count(bytes)} bytes of ${input}, with ${weightsPath}`);
  console.log(`loss           ${loss.toFixed(4)} nats per token`);
  console.log(`perplexity     ${perplexity.toFixed(2)} per token`);
  console.log(`bits per byte  ${bitsPerByte.toFixed(4)}`);
}

if (import.meta.main) await runProgram(main);
