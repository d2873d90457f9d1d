// Rotary positions in GGUF files: their base and scaling are metadata; Llama 3's scaling is a tensor of factors.
import { UserError } from "../../errors.ts";
import type { Llama3RopeScaling, RopeScaling } from "../../model/architecture.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { GgufParts } from "./architectures.ts";

/** A tensor of what the wavelength of each pair of dimensions is multiplied by. */
export const FACTORS = "rope_freqs.weight";

/** Reads the base, the scaling and the rotated dimensions. */
export async function readGgufRope(
  parts: GgufParts,
  { dModel, numHeads, headDim = dModel / numHeads, contextLength }: Omit<ModelConfig, "ropeTheta">,
): Promise<Pick<ModelConfig, "ropeTheta" | "ropeScaling" | "rotaryDim">> {
  const { keys, tensors } = parts;
  const ropeTheta = keys.number("rope.freq_base", 10_000);
  const rotaryDim = keys.integer("rope.dimension_count", headDim);
  const factors = tensors.get(FACTORS);
  const scaling = readScaling(parts, contextLength) ??
    (factors && llama3ScalingOf(await factors.read(), ropeTheta, rotaryDim, factors.file));
  return { ropeTheta, ...(scaling && { ropeScaling: scaling }), ...(rotaryDim !== headDim && { rotaryDim }) };
}

function readScaling({ keys }: GgufParts, contextLength: number): RopeScaling | undefined {
  // The older key of linear scaling.
  const older = keys.number("rope.scale_linear", 1);
  const type = keys.string("rope.scaling.type", older === 1 ? "none" : "linear");
  const factor = keys.number("rope.scaling.factor", older);
  const originalContextLength = keys.integer("rope.scaling.original_context_length", contextLength);
  const attentionFactor = keys.number("rope.scaling.attn_factor", 1);
  if (attentionFactor !== 1) keys.refuse("rope.scaling.attn_factor", "1, or absent");
  const betaFast = keys.number("rope.scaling.yarn_beta_fast", 32);
  const betaSlow = keys.number("rope.scaling.yarn_beta_slow", 1);
  if (type === "none" || (type === "linear" && factor === 1)) return undefined;
  if (type === "linear") return { type, factor };
  if (type === "yarn") return { type, factor, originalContextLength, betaFast, betaSlow };
  return keys.refuse("rope.scaling.type", "none, linear or yarn");
}

/** What Llama 3.1 and 3.2 were trained with: the only values that models are known to have. */
const LLAMA3 = { lowFreqFactor: 1, highFreqFactor: 4, originalContextLength: 8192 };

/** The scaling of which a tensor of factors was made. */
function llama3ScalingOf(factors: Float32Array, theta: number, rotaryDim: number, file: string): RopeScaling {
  const factor = factors.reduce((largest, value) => Math.max(largest, value), 1);
  const scaling: Llama3RopeScaling = { type: "llama3", factor, ...LLAMA3 };
  const expected = llama3Factors(scaling, theta, rotaryDim);
  const fits = factors.length === expected.length &&
    factors.every((value, i) => Math.abs(value / expected[i] - 1) < 1e-5);
  if (fits) return scaling;
  throw new UserError(
    `Cannot import tensor "${FACTORS}" of ${file}: got factors that are not Llama 3.1's, must be those of a scaling by ` +
      `${factor} from a context of ${LLAMA3.originalContextLength}. Use the model in Hugging Face's format`,
  );
}

/**
 * What the wavelength of each pair of dimensions is multiplied by: (rotaryDim / 2).
 *
 * Source: Llama 3.1's model code, and llama.cpp's convert_hf_to_gguf.py, which stores the same.
 */
export function llama3Factors(
  { factor, lowFreqFactor, highFreqFactor, originalContextLength }: Llama3RopeScaling,
  theta: number,
  rotaryDim: number,
): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: rotaryDim / 2 }, (_, i) => {
    const turns = originalContextLength / (2 * Math.PI * theta ** (2 * i / rotaryDim));
    if (turns > highFreqFactor) return 1;
    if (turns < lowFreqFactor) return factor;
    const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}
