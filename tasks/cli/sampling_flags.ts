// The flags that say how tokens are drawn.
import { validateSampling } from "../../lib/generate/sampling.ts";
import type { Flags } from "./flags.ts";

/** The flags. */
export const SAMPLING_FLAGS = {
  temperature: { type: "number", default: 0.8, min: 0 },
  "top-k": { type: "integer", min: 1 },
  "min-p": { type: "number", min: 0, max: 1 },
  "top-p": { type: "number", default: 0.95, above: 0, max: 1 },
  "repetition-penalty": { type: "number", min: 1e-6, max: 1e6 },
} as const;

/**
 * What they say.
 * @throws {OptionError} If a value cannot work.
 */
export function samplingOf(flags: Flags<typeof SAMPLING_FLAGS>) {
  const sampling = {
    temperature: flags.temperature,
    topK: flags["top-k"],
    minP: flags["min-p"],
    topP: flags["top-p"],
    repetitionPenalty: flags["repetition-penalty"],
  };
  validateSampling(sampling);
  return sampling;
}
