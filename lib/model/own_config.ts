// The configurations of models of a person's own, beside those of a Transformer.
import { OptionError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import type { ModelConfig } from "./config.ts";
import type { LanguageModelConfig } from "./language_model.ts";

/** Whether a configuration is a Transformer's: one without the name of another architecture. */
export function isTransformerConfig(config: LanguageModelConfig): config is ModelConfig {
  return config.architecture === undefined;
}

/**
 * Checks what can be checked of any model's configuration: that it has what all have, and can be kept in a file.
 * @returns It, unchanged.
 * @throws {OptionError} Naming the first value that cannot work, and what it must be.
 */
export function validateOwnConfig(config: LanguageModelConfig): LanguageModelConfig {
  const refuse = (key: string, value: unknown, mustBe: string): never => {
    throw new OptionError(`Cannot use the model: got ${key} ${excerpt(value)}, must be ${mustBe}`);
  };
  const { architecture, vocabSize, contextLength } = config;
  if (typeof architecture !== "string" || architecture === "") refuse("architecture", architecture, "a name");
  for (const [key, count] of Object.entries({ vocabSize, contextLength })) {
    if (!Number.isSafeInteger(count) || count < 1) refuse(key, count, "a positive integer");
  }
  for (const [key, value] of Object.entries(config)) {
    // Messages name them as they are, and a file may be somebody else's.
    if (!/^\w{1,64}$/.test(key)) refuse("key", key, "up to 64 letters, digits and underscores");
    const isKept = typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
    // JSON leaves out what is undefined.
    if (!isKept && value !== undefined) {
      refuse(key, value, "a finite number, a text or a boolean, to be kept with runs");
    }
  }
  return config;
}
