// Writes a model as a GGUF file.
import { type GgufTensorToWrite, writeGguf } from "../../formats/gguf/write_gguf.ts";
import { withDefaults } from "../../model/architecture.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { WeightSource } from "../../model/weights.ts";
import { chooseArchitecture } from "../expressible.ts";
import type { ModelToExport } from "../model_to_export.ts";
import { placeParameters } from "../parameter_map.ts";
import { tensorsToMake, type TensorToMake } from "../write_tensors.ts";
import { ARCHITECTURES } from "./architectures.ts";
import { FACTORS, llama3Factors } from "./rope_keys.ts";
import { type GgufEntry, shapeEntries, WRITABLE } from "./write_architectures.ts";
import { tokenizerEntries } from "./write_tokenizer.ts";

/** How matrices are stored. Norms, biases and positions are float32. */
export const GGUF_TYPES = ["F32", "F16", "Q8_0"] as const;

/** One of {@linkcode GGUF_TYPES}. */
export type GgufMatrixType = typeof GGUF_TYPES[number];

/** Options for `writeGgufModel`. */
export interface GgufModelOptions {
  /** How matrices are stored. Default: F32. Those whose rows are no multiple of 32 elements are F16 instead of Q8_0. */
  readonly type?: GgufMatrixType;
  /** What the model is called in the file. */
  readonly name: string;
  /** What it is, for people. */
  readonly description?: string;
  /** Called with what llama.cpp does otherwise. */
  readonly onNote?: (note: string) => void;
}

/** The numbers of the types in `general.file_type`. */
const FILE_TYPES = { F32: 0, F16: 1, Q8_0: 7 };

/** The version of the quantised blocks. */
const QUANTIZATION_VERSION = 2;

/**
 * Chooses the architecture of llama.cpp that a model is exported as.
 * @throws {UserError} If none can express the model, naming the part that keeps it from the nearest.
 */
export function ggufArchitecture(config: ModelConfig): string {
  return chooseArchitecture(config, WRITABLE, "llama.cpp").name;
}

/**
 * Writes a model as a GGUF file that llama.cpp runs, with its tokenizer inside, and one tensor in memory at a time.
 *
 * @param architecture As {@linkcode ggufArchitecture} chose it.
 * @throws {UserError} If llama.cpp does not split texts in the tokenizer's way, or the type cannot hold a weight.
 */
export async function writeGgufModel(
  path: string,
  { config, weights, tokenizer, stopIds }: ModelToExport,
  architecture: string,
  { type = "F32", name, description, onNote = () => {} }: GgufModelOptions,
): Promise<void> {
  const text = (value: string) => ({ type: "string" as const, value });
  const uint32 = (value: number) => ({ type: "uint32" as const, value });
  const metadata: GgufEntry[] = [
    ["general.architecture", text(architecture)],
    ["general.type", text("model")],
    ["general.name", text(name)],
    ...(description === undefined ? [] : [["general.description", text(description)] as const]),
    ["general.file_type", uint32(FILE_TYPES[type])],
    ["general.quantization_version", uint32(QUANTIZATION_VERSION)],
    ...shapeEntries(config, architecture),
    ...tokenizerEntries(tokenizer, config.vocabSize, stopIds, onNote),
  ];
  const tensors = ggufTensors(config, architecture, weights).map((tensor) => toWrite(tensor, type));
  await writeGguf(path, tensors, metadata);
}

function ggufTensors(config: ModelConfig, architecture: string, weights: WeightSource): TensorToMake[] {
  const tensors = tensorsToMake(placeParameters(config, ARCHITECTURES[architecture].places), weights);
  const { ropeScaling, ropeTheta, rotaryDim } = withDefaults(config);
  if (ropeScaling?.type !== "llama3") return tensors;
  const make = () => Promise.resolve(llama3Factors(ropeScaling, ropeTheta, rotaryDim));
  return [...tensors, { name: FACTORS, shape: [rotaryDim / 2], make }];
}

function toWrite({ name, shape, make }: TensorToMake, type: GgufMatrixType): GgufTensorToWrite {
  const isMatrix = shape.length > 1 && name !== "position_embd.weight";
  const fits = type !== "Q8_0" || shape.at(-1)! % 32 === 0;
  return { name, shape, dtype: !isMatrix ? "F32" : fits ? type : "F16", data: make };
}
