import type { ContinuationOptions } from "./continuation.ts";

/** How a text is continued by someone who has said nothing: tokens at most, and how each is drawn. */
export const GENERATION_DEFAULTS = { maxTokens: 200, temperature: 0.8, topP: 0.95 } as const;

/** Options with the defaults for what was not said, or said to be `undefined`. */
export function withDefaults<T extends Partial<ContinuationOptions>>(options: T): T & ContinuationOptions {
  const {
    maxTokens = GENERATION_DEFAULTS.maxTokens,
    temperature = GENERATION_DEFAULTS.temperature,
    topP = GENERATION_DEFAULTS.topP,
  } = options;
  return { ...options, maxTokens, temperature, topP };
}
