// Which architectures of another library can express a model.
import { option, say, UserError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import { type FullArchitecture, withDefaults } from "../model/architecture.ts";
import type { ModelConfig } from "../model/config.ts";

/** The parts of a model that another library's architecture may have in more than one way, or not as the default. */
export type Abilities = { readonly [K in keyof FullArchitecture]?: "any" | readonly FullArchitecture[K][] };

/** The parts of a configuration that are compared. */
const PARTS = [
  "norm",
  "normPlace",
  "position",
  "ffn",
  "qkNorm",
  "valueEmbeddings",
  "bias",
  "parallelBlocks",
  "slidingWindow",
  "ropeScaling",
  "rotaryDim",
  "embeddingScale",
  "logitSoftCap",
  "headDim",
  "numKeyValueHeads",
  "normEps",
  "tieEmbeddings",
] as const satisfies readonly (keyof FullArchitecture)[];

/**
 * The first architecture that can express a model.
 *
 * @param able What each can have besides the defaults. A value that is not listed must be the default.
 * @param library What the architectures belong to, for the message.
 * @throws {UserError} If none can, naming the parts that keep it from the one that comes nearest.
 */
export function chooseArchitecture<T extends { readonly able: (config: ModelConfig) => Abilities }>(
  config: ModelConfig,
  architectures: Readonly<Record<string, T>>,
  library: string,
): { readonly name: string; readonly architecture: T } {
  let nearest: { readonly name: string; readonly beyond: readonly (typeof PARTS)[number][] } | undefined;
  for (const [name, architecture] of Object.entries(architectures)) {
    const beyond = partsBeyond(config, architecture.able(config));
    if (beyond.length === 0) return { name, architecture };
    if (nearest === undefined || beyond.length < nearest.beyond.length) nearest = { name, beyond };
  }
  const full = withDefaults(config);
  const { name, beyond } = nearest!;
  // The factor is what another library would have to know, whichever setting it comes from.
  const [setting, ...others] = beyond.map((part) =>
    part === "embeddingScale" && full.scaleEmbeddings ? "scaleEmbeddings" : part
  );
  const more = others.length === 0 ? "" : ` (nor its ${others.join(", ")})`;
  const next = `The nearest, ${name}, does not have that${more}. Train a model without it`;
  throw new UserError(
    say`Cannot export the model: got ${option(setting)} ${
      excerpt(full[setting])
    }, must be what an architecture of ${library} has. ${next}`,
  );
}

/** The parts that are neither the default nor what an architecture can have. */
function partsBeyond(config: ModelConfig, able: Abilities): (typeof PARTS)[number][] {
  const { dModel, numHeads, contextLength } = config;
  const full = withDefaults(config);
  const defaults: Partial<FullArchitecture> = {
    ...withDefaults({ dModel, numHeads }),
    rotaryDim: full.headDim,
    embeddingScale: undefined,
  };
  return PARTS.filter((part) => {
    const allowed: "any" | readonly unknown[] = able[part] ?? [defaults[part]];
    if (allowed === "any" || allowed.includes(full[part])) return false;
    // A window that hides nothing, and what is of no effect without rotary positions.
    if (part === "slidingWindow") return full.slidingWindow! < contextLength;
    if (part === "embeddingScale") return full.embeddingScale !== 1;
    return !(part === "rotaryDim" && full.position !== "rope");
  });
}
