// Configurations of models other than a Transformer.
import { OptionError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import type { ModelConfig } from "./config.ts";
import type { LanguageModelConfig } from "./language_model.ts";

/** Whether a configuration is a Transformer's: it does not name another architecture. */
export function isTransformerConfig(config: LanguageModelConfig): config is ModelConfig {
  return config.architecture === undefined;
}

/**
 * Checks what any model's configuration needs: that it has the common fields, and can be kept in a file.
 * @returns It, unchanged.
 * @throws {OptionError} If a value cannot work, naming the first one and what it must be.
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
    // Messages quote them, and the file may come from anywhere.
    if (!/^\w{1,64}$/.test(key)) refuse("key", key, "up to 64 letters, digits and underscores");
    const isKept = typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
    // JSON leaves out undefined values.
    if (!isKept && value !== undefined) {
      refuse(key, value, "a finite number, a text or a boolean, to be kept with runs");
    }
  }
  return config;
}
