// Rotary positions in Hugging Face's config.json: transformers 4 writes rope_theta and rope_scaling, 5 rope_parameters.
import type { RopeScaling } from "../../model/architecture.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { ConfigKeys } from "./config_keys.ts";

/** What a family's configuration says where the keys are absent, and how it spells them. */
export interface RopeDefaults {
  /** Dimensions of a head. */
  readonly headDim: number;
  /** The longest sequence. */
  readonly contextLength: number;
  /** Default: 10000. */
  readonly theta?: number;
  /** The key of the base in transformers 4. Default: `rope_theta`. */
  readonly thetaKey?: string;
  /** The key of the share of each head that is rotated, in transformers 4. Default: `partial_rotary_factor`. */
  readonly shareKey?: string;
  /** That share where it is absent. Default: 1. */
  readonly share?: number;
}

const TYPES = ["default", "linear", "llama3", "yarn"] as const;

/**
 * Reads the base, the scaling and the rotated dimensions.
 * @throws {UserError} If they are scaled in a way that is not supported, naming the key.
 */
export function readRope(
  keys: ConfigKeys,
  { headDim, contextLength, theta = 10_000, thetaKey = "rope_theta", shareKey = "partial_rotary_factor", share = 1 }:
    RopeDefaults,
): Pick<ModelConfig, "ropeTheta" | "ropeScaling" | "rotaryDim"> {
  const topTheta = keys.number(thetaKey, theta);
  const topShare = keys.number(shareKey, share);
  keys.mustBe("rope_interleaved", false);
  const fromBefore = keys.object("rope_scaling");
  const parameters = keys.object("rope_parameters") ?? fromBefore;
  const ropeTheta = parameters?.number("rope_theta", topTheta) ?? topTheta;
  const rotated = Math.trunc(headDim * (parameters?.number("partial_rotary_factor", topShare) ?? topShare));
  const ropeScaling = parameters && readScaling(parameters, contextLength);
  parameters?.requireAllKnown();
  return {
    ropeTheta,
    ...(ropeScaling && { ropeScaling }),
    ...(rotated !== headDim && { rotaryDim: rotated }),
  };
}

function readScaling(keys: ConfigKeys, contextLength: number): RopeScaling | undefined {
  // Read both, so that neither counts as unknown: `type` is the older name.
  const older = keys.has("type") ? keys.oneOf("type", TYPES) : "default";
  const type = keys.oneOf("rope_type", TYPES, older);
  if (type === "default") {
    if (keys.has("factor")) keys.mustBe("factor", 1);
    return undefined;
  }
  const factor = keys.number("factor");
  if (!(factor >= 1)) keys.refuse("factor", "at least 1");
  const originalContextLength = keys.integer("original_max_position_embeddings", contextLength);
  if (type === "linear") return factor === 1 ? undefined : { type, factor };
  if (type === "llama3") {
    const lowFreqFactor = keys.number("low_freq_factor");
    const highFreqFactor = keys.number("high_freq_factor");
    return { type, factor, lowFreqFactor, highFreqFactor, originalContextLength };
  }
  keys.mustBe("truncate", true);
  const betaFast = keys.number("beta_fast", 32);
  const betaSlow = keys.number("beta_slow", 1);
  return { type, factor, originalContextLength, betaFast, betaSlow, ...attentionFactorOf(keys, factor) };
}

/** DeepSeek's mscale, with which the factor is that of two. Source: transformers, modeling_rope_utils.py. */
function attentionFactorOf(keys: ConfigKeys, factor: number): { attentionFactor?: number } {
  const scaleOf = (mscale: number) => factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
  const [mscale, mscaleAllDim] = [keys.number("mscale", 0), keys.number("mscale_all_dim", 0)];
  if (keys.has("attention_factor")) return { attentionFactor: keys.number("attention_factor") };
  return mscale !== 0 && mscaleAllDim !== 0 ? { attentionFactor: scaleOf(mscale) / scaleOf(mscaleAllDim) } : {};
}
