// evaluate --choices: which of several answers a model finds likeliest.
import { formatCount } from "../../lib/accounting/units.ts";
import { type Accuracy, accuracyOf, creditFor } from "../../lib/evaluate/multiple_choice.ts";
import { scoreExamples } from "../../lib/evaluate/score_examples.ts";
import type { Score } from "../../lib/evaluate/score.ts";
import { openWeights } from "../../lib/run/origin_tensors.ts";
import { startBackend } from "../cli/backend.ts";
import { requireInputFile } from "../cli/files.ts";
import { untilInterrupted } from "../cli/interrupt.ts";
import { loadRun } from "../cli/load_run.ts";
import { startProgress } from "../cli/progress.ts";
import type { ChoiceQuestion } from "./choice_file.ts";
import { openChoices } from "./choice_tokens.ts";
import type { EvaluateSettings } from "./flags.ts";

/** Scores each choice of a file's questions, and prints how often the right one is the likeliest. */
export async function evaluateChoices(flags: EvaluateSettings, path: string): Promise<void> {
  await requireInputFile(path);
  const { model, tokenizer, weights: weightsPath } = await loadRun(flags.run, flags.weights, flags["weights-dtype"]);
  const source = await openChoices(path, tokenizer, model.config.contextLength);
  const { questions, tooLong, examples } = source;
  using opened = await openWeights(weightsPath);
  await using backend = await startBackend(flags.backend, { precision: flags.dtype });
  const progress = startProgress(examples.starts.length - 1, "{value}/{total} choices [{bar}]", {});
  const scores = await untilInterrupted(async (signal) => {
    try {
      return await scoreExamples(backend, model, source, examples, {
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
  const found = rate(questions, scores);
  if (flags.json) {
    const counts = { questions: questions.length, tooLong };
    console.log(JSON.stringify({ weights: weightsPath, choices: path, ...counts, ...found }, null, 2));
    return;
  }
  const count = questions.length === 1 ? "1 question" : `${formatCount(questions.length)} questions`;
  console.log(`${count} of ${path}, with ${weightsPath}`);
  console.log(`accuracy           ${formatAccuracy(found.accuracy)}`);
  console.log(`accuracy per byte  ${formatAccuracy(found.accuracyPerByte)}`);
  console.log(`by chance          ${formatAccuracy({ mean: found.chance })}`);
}

/** How often the right choice is the likeliest, and the likeliest for its length; and how often a drawn one is right. */
function rate(questions: readonly ChoiceQuestion[], scores: readonly Score[]) {
  const [byLikelihood, perByte]: number[][] = [[], []];
  const encoder = new TextEncoder();
  let first = 0;
  for (const { choices, right } of questions) {
    const logLikelihoods = choices.map((_, i) => -scores[first + i].nats);
    first += choices.length;
    byLikelihood.push(creditFor(logLikelihoods, right));
    perByte.push(creditFor(logLikelihoods.map((score, i) => score / encoder.encode(choices[i]).length), right));
  }
  const chance = questions.reduce((sum, { choices }) => sum + 1 / choices.length, 0) / questions.length;
  return { accuracy: accuracyOf(byLikelihood), accuracyPerByte: accuracyOf(perByte), chance };
}

function formatAccuracy({ mean, standardError }: Accuracy): string {
  const percent = (share: number) => (100 * share).toFixed(2);
  return standardError === undefined ? `${percent(mean)} %` : `${percent(mean)} % ± ${percent(standardError)}`;
}
