import type { ContinuationOptions } from "./continuation.ts";

/** Defaults for continuing a text: the most tokens, and how each is drawn. */
export const GENERATION_DEFAULTS = { maxTokens: 200, temperature: 0.8, topP: 0.95 } as const;

/** Options with the defaults filled in for what is absent or `undefined`. */
export function withDefaults<T extends Partial<ContinuationOptions>>(options: T): T & ContinuationOptions {
  const {
    maxTokens = GENERATION_DEFAULTS.maxTokens,
    temperature = GENERATION_DEFAULTS.temperature,
    topP = GENERATION_DEFAULTS.topP,
  } = options;
  return { ...options, maxTokens, temperature, topP };
}
