// A run's model, tokenizer and weights, for tasks that use a trained model.
import { loadRun as loadRunModel, type RunModel } from "../../lib/run/load_run.ts";
import type { WeightsDType } from "../../lib/ops/quantize.ts";
import { isGguf, isHuggingFace } from "../../lib/run/model_path.ts";
import { NoWeightsError, RUN_ENTRIES, type WhichWeights } from "../../lib/run/run_directory.ts";
import { say, UserError, wordingOf } from "./errors.ts";
import { requireDirectory } from "./files.ts";
import { shellPath } from "./shell_word.ts";

/** `--weights-dtype`. */
export const WEIGHTS_DTYPE_FLAG = { type: "string", default: "f32", choices: ["f32", "bf16", "int8"] } as const;

/**
 * @throws {UserError} If it is another library's model; or if the run has no weights, or no tokenizer, or one that does not
 *   fit its model or is not that of its data.
 */
export async function loadRun(
  run: string,
  which: WhichWeights,
  weightsDtype: WeightsDType = "f32",
): Promise<RunModel> {
  if (await isGguf(run) || await isHuggingFace(run)) {
    throw new UserError(
      `Cannot open run ${run}: got another library's model, must be a run. Make one of it: deno task import --from ` +
        `${shellPath(run)} --out RUN`,
    );
  }
  await requireDirectory(run, RUN_ENTRIES);
  try {
    return await loadRunModel(run, which, { weightsDtype });
  } catch (error) {
    if (!(error instanceof NoWeightsError) || error.instead === undefined) throw error;
    throw new UserError(say`${wordingOf(error)}: --weights ${error.instead}`);
  }
}
