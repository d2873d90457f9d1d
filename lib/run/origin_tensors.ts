// The weights in a file, and those that a run starts from. Of a run that trains adapters, a checkpoint has only these:
// its file says which weights they belong to.
import type { Backend } from "../backend/backend.ts";
import { UserError } from "../errors.ts";
import { Safetensors } from "../formats/safetensors.ts";
import { isFile } from "../io/is_file.ts";
import { JsonFields } from "../io/json_fields.ts";
import { sha256OfFile } from "../io/sha256.ts";
import type { LanguageModel } from "../model/language_model.ts";
import { isAdapter, loraFactor, mergedWeights, withAdapters } from "../model/lora.ts";
import { withNewTokens } from "../model/new_tokens.ts";
import { type WeightSource, writeWeights } from "../model/weights.ts";
import { weightsFrom } from "../model/weights_file.ts";
import { loraOf } from "../train/adapters.ts";
import type { StartingPoint } from "../train/train.ts";
import { type OriginFile, originRecordOf, type RunOrigin } from "./origin_record.ts";
import type { RunConfig } from "./run_directory.ts";

/** Weights in files that are open. Close them, or declare this with `using`. */
export interface OpenWeights extends Disposable {
  /** The model's parameters, by name; where the file has adapters, merged with the weights that they belong to. */
  readonly weights: WeightSource;
}

/**
 * Opens a file of a run's weights: those at its end, the best, or a checkpoint's.
 * @throws {UserError} If it is no such file; or if it has adapters, and the weights that they belong to are gone or changed.
 */
export async function openWeights(path: string): Promise<OpenWeights> {
  using opened = new DisposableStack();
  const file = opened.use(await Safetensors.open(path));
  const own = weightsFrom(file, path);
  const record = file.metadata[ADAPTERS];
  const weights = record === undefined ? own : await mergedWithOrigin(file, own, record, path, opened);
  const files = opened.move();
  return { weights, [Symbol.dispose]: () => files.dispose() };
}

/**
 * Fills a model's parameters on a backend on which one of its programs is loaded.
 * @param weights A file of a run's, as for {@linkcode openWeights}, or the weights themselves.
 * @throws {UserError} As `openWeights` and `writeWeights` do.
 */
export async function writeRunWeights(
  backend: Backend,
  model: LanguageModel,
  weights: string | WeightSource,
): Promise<void> {
  if (typeof weights !== "string") return await writeWeights(backend, model, weights);
  using opened = await openWeights(weights);
  await writeWeights(backend, model, opened.weights);
}

/** The key in a checkpoint's files that says what adapters belong to. */
const ADAPTERS = "adapters";

/** What a checkpoint's files say beside their tensors; nothing, unless the run trains adapters. */
export function adapterMetadata({ training, from }: Pick<RunConfig, "training" | "from">): Record<string, string> {
  const lora = loraOf(training);
  return lora === undefined || from === undefined
    ? {}
    : { [ADAPTERS]: JSON.stringify({ factor: loraFactor(lora), from }) };
}

async function mergedWithOrigin(
  file: Safetensors,
  adapters: WeightSource,
  record: string,
  path: string,
  opened: DisposableStack,
): Promise<WeightSource> {
  const fields = JsonFields.parse(record, { name: path, nextStep: "Use another checkpoint" });
  fields.allowOnly(["factor", "from"]);
  const factor = fields.number("factor");
  const origin = opened.use(await OriginTensors.open(originRecordOf(fields.object("from"))));
  const specs = [...file.tensors].map(([name, { shape }]) => ({ name, shape })).filter(({ name }) => isAdapter(name));
  return mergedWeights(withAdapters(origin.weights, adapters), specs, factor);
}

/** The weights of another run, and perhaps its optimizer's state. Close it, or declare it with `using`. */
export class OriginTensors implements Disposable {
  /** The parameters, by name. */
  readonly weights: WeightSource;
  /** What a training goes on from, if the optimizer's state is taken over: its steps count from 0 all the same. */
  readonly start: StartingPoint | undefined;
  readonly #files: DisposableStack;

  private constructor(
    { step, newTokens, optimizer }: RunOrigin,
    weights: WeightSource,
    state: WeightSource | undefined,
    files: DisposableStack,
  ) {
    this.#files = files;
    this.weights = newTokens === undefined ? weights : withNewTokens(weights, newTokens);
    this.start = optimizer && { step: 0, seconds: 0, updates: step, optimizer: state! };
  }

  /**
   * Opens the files of a record.
   * @throws {UserError} If one is gone, or is not what it was.
   */
  static async open(origin: RunOrigin): Promise<OriginTensors> {
    using opened = new DisposableStack();
    const { weights, optimizer } = origin;
    await requireSameFile(origin, weights);
    const own = opened.use(await openWeights(weights.path));
    if (optimizer === undefined) return new OriginTensors(origin, own.weights, undefined, opened.move());
    await requireSameFile(origin, optimizer);
    const state = weightsFrom(opened.use(await Safetensors.open(optimizer.path)), optimizer.path);
    return new OriginTensors(origin, own.weights, state, opened.move());
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    this.#files.dispose();
  }
}

async function requireSameFile({ run }: RunOrigin, { path, sha256 }: OriginFile): Promise<void> {
  const got = !await isFile(path) ? "no such file" : await sha256OfFile(path) === sha256 ? undefined : "another one";
  if (got === undefined) return;
  throw new UserError(
    `Cannot start from ${run} with ${path}: got ${got}, must be the file that the run began with (sha256 ${
      sha256.slice(0, 12)
    }…). Restore it, or start a new run`,
  );
}
