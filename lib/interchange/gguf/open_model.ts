import { isForPeople, OptionError, UserError } from "../../errors.ts";
import { READABLE } from "../../formats/gguf/dequantize.ts";
import { Gguf } from "../../formats/gguf/gguf.ts";
import { type ModelConfig, validateModelConfig } from "../../model/config.ts";
import type { ForeignModel, ForeignModelOptions } from "../foreign_model.ts";
import { placeParameters } from "../parameter_map.ts";
import { type ForeignTensor, parametersFrom, requireTensors } from "../tensor_files.ts";
import { withContextLength } from "../with_context_length.ts";
import { ARCHITECTURES, type GgufParts } from "./architectures.ts";
import { GgufKeys } from "./gguf_keys.ts";
import { FACTORS } from "./rope_keys.ts";
import { readGgufTokenizer } from "./tokenizer.ts";

/** The metadata that names the ids at which a text ends. */
const STOP_KEYS = ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];

/**
 * Opens a GGUF file: reads its metadata, and where its tensors lie. Quantised tensors are read as float32 when their turn
 * comes.
 *
 * @throws {UserError} If its architecture is not supported, naming the key that says so; if a key of its metadata is not
 *   known; or if a tensor is missing, too many, or of another shape or type.
 */
export async function openGgufModel(path: string, options: ForeignModelOptions = {}): Promise<ForeignModel> {
  using opened = new DisposableStack();
  const file = opened.use(await Gguf.open(path));
  const { metadata } = file;
  const architecture = metadata.string("general.architecture");
  if (!Object.hasOwn(ARCHITECTURES, architecture)) {
    metadata.refuse("general.architecture", `one of ${Object.keys(ARCHITECTURES).join(", ")}`);
  }
  if ((metadata.integerOrNone("split.count") ?? 1) > 1) {
    metadata.refuse("split.count", "1: one file that holds all of it");
  }
  const keys = new GgufKeys(metadata, architecture);
  const tensors = new Map<string, ForeignTensor>();
  for (const { name, shape, dtype } of file.tensors.values()) {
    tensors.set(name, { file: path, shape, dtype, read: () => file.readFloats(name) });
  }
  const full = await readShape(path, { keys, tensors });
  keys.requireAllKnown();
  const config = withContextLength(path, full, options.contextLength);
  const placed = placeParameters(config, ARCHITECTURES[architecture].places, full.contextLength);
  requireTensors(tensors, { name: path, placed, dtypes: READABLE, isIgnored: (name) => name === FACTORS });
  const owned = opened.move();
  return {
    format: "gguf",
    architecture,
    config,
    files: [path],
    weights: parametersFrom(tensors, placed),
    stopIds: [...new Set(STOP_KEYS.flatMap((key) => metadata.integerOrNone(key) ?? []))],
    tokenizer: () => Promise.try(() => readGgufTokenizer(metadata, path)),
    [Symbol.dispose]: () => owned.dispose(),
  };
}

async function readShape(path: string, parts: GgufParts): Promise<ModelConfig> {
  const read = await ARCHITECTURES[parts.keys.architecture].read(parts);
  try {
    return validateModelConfig(read);
  } catch (error) {
    if (!(error instanceof OptionError) || !isForPeople(error)) throw error;
    throw new UserError(
      `Cannot import the model of ${path}: ${error.message.replace(/^Cannot build the model: /, "")}`,
    );
  }
}
