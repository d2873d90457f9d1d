// Writes a model as a Hugging Face directory.
import { writeSafetensors } from "../../formats/safetensors.ts";
import { saveTokenizer } from "../../formats/tokenizer_dir.ts";
import { writeFileAtomically } from "../../io/atomic.ts";
import type { ModelConfig } from "../../model/config.ts";
import { chooseArchitecture } from "../expressible.ts";
import type { ModelToExport } from "../model_to_export.ts";
import { placeParameters } from "../parameter_map.ts";
import { tensorsToMake } from "../write_tensors.ts";
import { FAMILIES } from "./families.ts";
import { SAFETENSORS_FILE } from "./weight_files.ts";
import { WRITABLE } from "./write_config.ts";

/** The files of an exported directory; the tokenizer's are beside them. */
export const HUGGING_FACE_FILES = {
  config: "config.json",
  generation: "generation_config.json",
  tokenizer: "tokenizer_config.json",
  weights: SAFETENSORS_FILE,
  card: "README.md",
} as const;

/**
 * Chooses the architecture of transformers that a model is exported as.
 *
 * @param only The one that it must be: a `model_type`. Default: any.
 * @throws {UserError} If none can express the model, naming the part that keeps it from the nearest.
 */
export function huggingFaceArchitecture(config: ModelConfig, only?: string): string {
  const choices = only === undefined ? WRITABLE : { [only]: WRITABLE[only] };
  return chooseArchitecture(config, choices, "transformers").name;
}

/**
 * Writes a model into an existing directory, with one tensor in memory at a time: what `AutoModelForCausalLM` and
 * `AutoTokenizer` load.
 *
 * @param architecture As {@linkcode huggingFaceArchitecture} chose it.
 * @throws {UserError} If a weight is not finite.
 */
export async function writeHuggingFaceModel(
  directory: string,
  { config, weights, tokenizer, stopIds }: ModelToExport,
  architecture: string,
): Promise<void> {
  const { causal, places } = FAMILIES[architecture];
  const writeJson = (name: string, value: unknown) =>
    writeFileAtomically(`${directory}/${name}`, `${JSON.stringify(value, null, 2)}\n`);
  const eos = stopIds.length > 1 ? stopIds : stopIds[0] ?? null;
  await writeJson(HUGGING_FACE_FILES.config, {
    architectures: [causal],
    model_type: architecture,
    ...WRITABLE[architecture].keys(config),
    // Their own defaults are those of other tokenizers.
    bos_token_id: null,
    eos_token_id: eos,
    torch_dtype: "float32",
  });
  await writeJson(HUGGING_FACE_FILES.generation, { ...(eos !== null && { eos_token_id: eos }) });
  if (tokenizer) {
    await saveTokenizer(tokenizer, directory);
    const path = `${directory}/${HUGGING_FACE_FILES.tokenizer}`;
    // What is there already came with the tokenizer, or is what its own tokens tell.
    const settings = JSON.parse(await Deno.readTextFile(path)) as Record<string, unknown>;
    const end = [...tokenizer.specialTokens].find(([, id]) => id === stopIds[0]);
    await writeJson(HUGGING_FACE_FILES.tokenizer, {
      ...(end && { eos_token: end[0] }),
      model_max_length: config.contextLength,
      ...settings,
    });
  }
  const tensors = tensorsToMake(placeParameters(config, places), weights);
  const toWrite = tensors.map(({ name, shape, make }) => ({ name, shape, dtype: "F32" as const, data: make }));
  // Earlier versions of transformers want this.
  await writeSafetensors(`${directory}/${SAFETENSORS_FILE}`, toWrite, { format: "pt" });
}
