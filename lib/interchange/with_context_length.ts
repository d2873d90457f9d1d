import { option, OptionError, say } from "../errors.ts";
import type { ModelConfig } from "../model/config.ts";

/**
 * A model's shape with a shorter context.
 * @throws {OptionError} If it is not shorter than the model's own, or not a positive integer.
 */
export function withContextLength(name: string, config: ModelConfig, contextLength: number | undefined): ModelConfig {
  if (contextLength === undefined) return config;
  if (Number.isSafeInteger(contextLength) && contextLength >= 1 && contextLength <= config.contextLength) {
    return { ...config, contextLength };
  }
  throw new OptionError(
    say`Cannot import ${name}: got ${option("contextLength")} ${contextLength}, must be 1 to ${config.contextLength}`,
  );
}
