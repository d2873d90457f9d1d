// The model of a run: built from its configuration, or given.
import { option, OptionError, say, UserError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import type { ModelConfig } from "../model/config.ts";
import { type LanguageModel, type LanguageModelConfig, requireMembers } from "../model/language_model.ts";
import { isTransformerConfig } from "../model/own_config.ts";
import { Transformer } from "../model/transformer.ts";
import { loraOf } from "../train/adapters.ts";
import { configDifferences } from "./config_difference.ts";
import type { RunConfig } from "./run_directory.ts";

/**
 * The shape of a run's Transformer.
 * @throws {UserError} If the run has another architecture: only the program that defines it can build its model.
 */
export function requireTransformer(directory: string, config: LanguageModelConfig): ModelConfig {
  if (isTransformerConfig(config)) return config;
  throw new UserError(
    `Cannot build the model of run ${directory}: got architecture ${excerpt(config.architecture)}, must be a ` +
      "Transformer. Use the program that defines that architecture",
  );
}

/**
 * The model that a run trains.
 * @param own Used instead of the Transformer that the configuration describes.
 * @throws {UserError} If the configuration is not a Transformer's, and no model was given.
 * @throws {OptionError} If `own` is not the model that the configuration describes, or lacks what training needs.
 */
export function modelOfRun(directory: string, config: RunConfig, own: LanguageModel | undefined): LanguageModel {
  if (own === undefined) {
    if (isTransformerConfig(config.model)) return new Transformer(config.model, { lora: loraOf(config.training) });
    throw new UserError(
      `Cannot train in ${directory}: got a configuration of architecture ${
        excerpt(config.model.architecture)
      } and no ` +
        "model, must be given both. Give trainRun the model, made from that configuration",
    );
  }
  if (config.training.loraRank !== undefined) {
    throw new OptionError(
      say`Cannot train in ${directory}: got ${
        option("loraRank")
      } ${config.training.loraRank} and a model, must be without one: the run makes it, with its adapters`,
    );
  }
  requireMembers("train", own, "config", "parameters", "forward");
  if (isTransformerConfig(own.config) && !(own instanceof Transformer)) {
    throw new OptionError(
      `Cannot train in ${directory}: got a model whose config has no architecture, must have a name there: without one ` +
        "its run would be taken for a Transformer's",
    );
  }
  const [difference] = configDifferences({ ...config, model: own.config }, config);
  if (difference === undefined) return own;
  const [got, mustBe] = [difference.got, difference.expected].map((value) => excerpt(value ?? "none"));
  throw new OptionError(
    `Cannot train in ${directory}: got a model with ${difference.field} ${got}, must be ${mustBe}, as in the run's ` +
      "configuration",
  );
}
