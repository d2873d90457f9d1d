import { UserError } from "../errors.ts";
import { writeFileAtomically } from "../io/atomic.ts";
import { type ModelConfig, validateModelConfig } from "../model/config.ts";
import type { TrainingConfig } from "./config.ts";
import type { StepMetrics } from "./train.ts";

/** What a run's config.json holds. */
export interface RunConfig {
  readonly model: ModelConfig;
  readonly training: TrainingConfig;
}

/** The names of a run's files; the tokenizer's files lie beside them. */
export const RUN_FILES = { config: "config.json", weights: "model.safetensors", metrics: "metrics.jsonl" } as const;

/**
 * Writes a run's config.json.
 * @param directory Exists already.
 */
export async function writeRunConfig(directory: string, config: RunConfig): Promise<void> {
  await writeFileAtomically(`${directory}/${RUN_FILES.config}`, `${JSON.stringify(config, null, 2)}\n`);
}

/**
 * Reads the model's shape from a run's config.json.
 * @throws {UserError} If the file is missing, is not JSON, or does not hold a model that can be built.
 */
export async function readModelConfig(directory: string): Promise<ModelConfig> {
  const path = `${directory}/${RUN_FILES.config}`;
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
    throw new UserError(
      `Cannot open run ${directory}: got no ${RUN_FILES.config}, must be a directory that train-lm wrote. Check the path`,
    );
  }
  try {
    const { model } = JSON.parse(text) as Partial<RunConfig>;
    if (model === undefined) throw new RangeError(`got no "model"`);
    return validateModelConfig(model);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `Cannot open run ${directory}: got an unusable ${RUN_FILES.config} (${problem}). Train it again`,
    );
  }
}

/** Appends steps to a run's metrics.jsonl, one object a line. Close it, or declare it with `using`. */
export class MetricsLog implements Disposable {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  static async open(directory: string): Promise<MetricsLog> {
    return new MetricsLog(await Deno.open(`${directory}/${RUN_FILES.metrics}`, { append: true, create: true }));
  }

  /** Writes one line; in one call where the system allows, so that a reader seldom sees half of it. */
  async append(metrics: StepMetrics): Promise<void> {
    const line = new TextEncoder().encode(`${JSON.stringify(metrics)}\n`);
    for (let done = 0; done < line.length;) done += await this.#file.write(line.subarray(done));
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
