import { option, OptionError, say } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import { withDefaults } from "../model/architecture.ts";
import type { LanguageModelConfig } from "../model/language_model.ts";
import { adapterSpecs } from "../model/lora.ts";
import { isTransformerConfig } from "../model/own_config.ts";
import { loraOf } from "../train/adapters.ts";
import type { TrainingConfig } from "../train/config.ts";

/**
 * Checks that a training's settings suit the model.
 *
 * @throws {OptionError} If the model cannot have such adapters.
 * @throws {OptionError} If output projections are to start as zeros in an architecture of one's own, or right before a
 *   norm. A norm divides by the size of what it gets, here zero, so that gradients would be 1 / √normEps times as large.
 */
export function requireSuitable(model: LanguageModelConfig, training: TrainingConfig): void {
  const lora = loraOf(training);
  if (lora) {
    if (isTransformerConfig(model)) adapterSpecs(model, lora);
    else {
      const got = excerpt(model.architecture);
      throw new OptionError(
        say`Cannot train: got ${option("loraRank")} ${lora.rank} for architecture ${got}, must be for a Transformer`,
      );
    }
  }
  if (!training.zeroInitOutputs) return;
  const refuse = (name: string, value: string) => {
    throw new OptionError(
      say`Cannot train: got ${option("zeroInitOutputs")} true with ${option(name)} "${value}", must be without`,
    );
  };
  if (!isTransformerConfig(model)) return refuse("architecture", String(model.architecture));
  const { norm, normPlace } = withDefaults(model);
  if (norm !== "none" && normPlace === "output") refuse("normPlace", normPlace);
}
