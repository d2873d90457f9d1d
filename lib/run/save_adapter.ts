// The adapters at the end of a run, for PEFT.
import type { Backend } from "../backend/backend.ts";
import { UserError } from "../errors.ts";
import { viewOf } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import { placeAdapters, writeAdapter } from "../interchange/huggingface/write_adapter.ts";
import { isTransformerConfig } from "../model/own_config.ts";
import { loraOf } from "../train/adapters.ts";
import type { RunConfig } from "./run_directory.ts";

/** Why a run's adapters cannot be written for PEFT; nothing, if they can, or there are none. */
export function whyNoAdapterFile({ model, training }: Pick<RunConfig, "model" | "training">): string | undefined {
  const lora = loraOf(training);
  if (lora === undefined || !isTransformerConfig(model)) return undefined;
  try {
    placeAdapters(model, lora);
    return undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.message;
  }
}

/** Writes the adapters among a model's tensors into a run's directory, unless PEFT can have none of them. */
export async function saveAdapter(
  directory: string,
  backend: Backend,
  tensors: ReadonlyMap<string, Tensor>,
  config: Pick<RunConfig, "model" | "training">,
): Promise<void> {
  const { model, training } = config;
  const lora = loraOf(training);
  if (lora === undefined || !isTransformerConfig(model) || whyNoAdapterFile(config) !== undefined) return;
  await writeAdapter(directory, model, lora, async (name) => {
    const tensor = tensors.get(name)!;
    return await backend.read(viewOf(tensor, tensor.placement!)) as Float32Array;
  });
}
