// The flags of train-lm for training low-rank adapters.
import type { TrainingConfig } from "../../lib/train/config.ts";
import { UsageError } from "../cli/errors.ts";
import type { TrainFlags } from "./flags.ts";

export const LORA_FLAGS = {
  "lora-rank": { type: "integer", min: 1 },
  "lora-alpha": { type: "number", above: 0 },
  "lora-targets": { type: "string" },
} as const;

/** Lines of `--help` for them. */
export const LORA_HELP =
  `  --lora-rank R          With --from: leave that run's weights as they are, and train only low-rank adapters (LoRA) of rank R
                         beside linear maps inside blocks. Checkpoints hold the adapters alone; model.safetensors holds the
                         weights with the adapters merged into them.
  --lora-alpha X         What the adapters' products are multiplied by, times R (default: R)
  --lora-targets NAME,...  Which linear maps: q_proj, k_proj, v_proj, output_proj, w1, w2 and w3 (default: q_proj,v_proj)`;

/** What they say of the training. */
export function loraSettings(flags: TrainFlags): Partial<TrainingConfig> {
  const [loraRank, loraAlpha] = [flags["lora-rank"], flags["lora-alpha"]];
  const loraTargets = flags["lora-targets"]?.split(",").map((name) => name.trim());
  return {
    ...(loraRank !== undefined && { loraRank }),
    ...(loraAlpha !== undefined && { loraAlpha }),
    ...(loraTargets && { loraTargets }),
  };
}

/** @throws {UsageError} If flags for adapters are given that do not go together, or with others. */
export function requireLoraFlags(flags: TrainFlags): void {
  const refuse = (problem: string) => new UsageError(`Cannot run train-lm: ${problem}`);
  const given = (["lora-rank", "lora-alpha", "lora-targets"] as const).find((name) => flags[name] !== undefined);
  if (given === undefined) return;
  if (flags.from === undefined) throw refuse(`--${given} needs --from, the run that the adapters belong to`);
  if (flags["lora-rank"] === undefined) throw refuse(`--${given} needs --lora-rank`);
  for (const name of ["freeze", "keep-optimizer", "minutes"] as const) {
    if (flags[name] === undefined || flags[name] === false) continue;
    throw refuse(`got --lora-rank and --${name}, must be only one of them`);
  }
}
