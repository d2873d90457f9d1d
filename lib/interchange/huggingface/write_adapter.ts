// Writes low-rank adapters as PEFT reads them, for a base model that is exported to transformers.
import { UserError } from "../../errors.ts";
import { writeSafetensors } from "../../formats/safetensors.ts";
import { writeFileAtomically } from "../../io/atomic.ts";
import type { ModelConfig } from "../../model/config.ts";
import { adapterNames, adapterSpecs, type LoraOptions } from "../../model/lora.ts";
import type { WeightSource } from "../../model/weights.ts";
import { type PlacedParameter, placeParameters, putParameter } from "../parameter_map.ts";
import { FAMILIES } from "./families.ts";
import { huggingFaceArchitecture } from "./write_model.ts";

/** The files of an adapter. */
export const ADAPTER_FILES = { weights: "adapter_model.safetensors", config: "adapter_config.json" } as const;

/** A linear map with an adapter: its name here, and where its weight lies in transformers. */
interface PlacedMap {
  readonly stem: string;
  readonly placed: PlacedParameter;
}

/**
 * The linear maps of a model that have adapters, as transformers has them.
 * @throws {UserError} If transformers has no such model; or keeps a map in one matrix with others, or the other way round.
 */
export function placeAdapters(config: ModelConfig, lora: LoraOptions): PlacedMap[] {
  const { places } = FAMILIES[huggingFaceArchitecture(config)];
  const adapted = new Set(adapterSpecs(config, lora).map(({ name }) => name));
  const maps = placeParameters(config, places).map((placed) => ({
    stem: placed.name.replace(/\.weight$/, ""),
    placed,
  }));
  return maps.filter(({ stem, placed }) => {
    if (!adapted.has(adapterNames(stem).down)) return false;
    if (placed.tensorShape.join() === placed.shape.join() && !placed.transposed) return true;
    throw new UserError(
      `Cannot write adapters for PEFT: got ${stem}, which transformers keeps in ${placed.tensor} in another form, must be ` +
        "a matrix of its own",
    );
  });
}

/**
 * Writes adapters into an existing directory. The rows of B lie as those of the weight do, which transformers has in another
 * order for queries and keys.
 *
 * @param weights The adapters' parameters.
 * @throws {UserError} As {@linkcode placeAdapters} does.
 */
export async function writeAdapter(
  directory: string,
  config: ModelConfig,
  lora: LoraOptions,
  weights: WeightSource,
): Promise<void> {
  const { rank, alpha = rank } = lora;
  const maps = placeAdapters(config, lora);
  const moduleOf = ({ placed }: PlacedMap) => placed.tensor.slice(0, -".weight".length);
  const tensors = maps.flatMap((map) => {
    const { stem, placed } = map;
    const [out, from] = placed.shape;
    const { down, up } = adapterNames(stem);
    const reordered = async () => {
      const values = new Float32Array(out * rank);
      const shape = [out, rank];
      putParameter({ ...placed, shape, tensorShape: shape }, await weights(up, shape), values);
      return values;
    };
    const name = `base_model.model.${moduleOf(map)}`;
    return [
      {
        name: `${name}.lora_A.weight`,
        dtype: "F32" as const,
        shape: [rank, from],
        data: async () => await weights(down, [rank, from]),
      },
      { name: `${name}.lora_B.weight`, dtype: "F32" as const, shape: [out, rank], data: reordered },
    ];
  });
  const settings = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    r: rank,
    lora_alpha: alpha,
    lora_dropout: 0,
    target_modules: [...new Set(maps.map((map) => moduleOf(map).split(".").at(-1)!))],
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
  };
  await writeFileAtomically(`${directory}/${ADAPTER_FILES.config}`, `${JSON.stringify(settings, null, 2)}\n`);
  await writeSafetensors(`${directory}/${ADAPTER_FILES.weights}`, tensors, { format: "pt" });
}
