import type { Backend } from "../backend/backend.ts";
import { option, OptionError, say } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import { align } from "../graph/plan.ts";
import { BYTES_PER_ELEMENT, DeviceStorage, Tensor } from "../graph/tensor.ts";
import { isGated, valueEmbeddingLayers, withDefaults } from "./architecture.ts";
import { WEIGHTS_DTYPES, type WeightsDType } from "../ops/quantize.ts";
import { QuantizedTensor } from "../ops/quantized_tensor.ts";
import type { ModelConfig } from "./config.ts";

/** A parameter's name in a checkpoint, and its shape. */
export interface ParameterSpec {
  /** As in checkpoints: `layers.0.attn.q_proj.weight`. */
  readonly name: string;
  /** Outputs before inputs: (out, in). */
  readonly shape: readonly number[];
}

/** Every parameter of a Transformer, in the order in which they lie in memory. Linear weights are (out, in). */
export function parameterSpecs(config: ModelConfig): ParameterSpec[] {
  const { vocabSize, contextLength, dModel, numLayers, numHeads, dFf } = config;
  const { norm, position, ffn, bias, qkNorm, tieEmbeddings, numKeyValueHeads, headDim } = withDefaults(config);
  const queries = numHeads * headDim;
  const keys = numKeyValueHeads * headDim;
  const normOf = (name: string): ParameterSpec[] => {
    const parts = norm === "none" ? [] : norm === "layer" ? ["weight", "bias"] : ["weight"];
    return parts.map((part) => ({ name: `${name}.${part}`, shape: [dModel] }));
  };
  const linear = (name: string, out: number, from: number, hasBias: boolean): ParameterSpec[] => [
    { name: `${name}.weight`, shape: [out, from] },
    ...(hasBias ? [{ name: `${name}.bias`, shape: [out] }] : []),
  ];
  const qkNormOf = (name: string, width: number): ParameterSpec[] =>
    qkNorm === "none" ? [] : [{ name: `${name}.weight`, shape: [qkNorm === "head" ? headDim : width] }];
  const [hasQkv, hasOutput, hasFfn] = [bias !== "none", bias === "attention" || bias === "all", bias === "all"];
  const specs: ParameterSpec[] = [{ name: "token_embeddings.weight", shape: [vocabSize, dModel] }];
  if (position === "learned") specs.push({ name: "position_embeddings.weight", shape: [contextLength, dModel] });
  for (let i = 0; i < numLayers; i++) {
    const layer = `layers.${i}`;
    specs.push(
      ...normOf(`${layer}.ln1`),
      ...linear(`${layer}.attn.q_proj`, queries, dModel, hasQkv),
      ...linear(`${layer}.attn.k_proj`, keys, dModel, hasQkv),
      ...linear(`${layer}.attn.v_proj`, keys, dModel, hasQkv),
      ...qkNormOf(`${layer}.attn.q_norm`, queries),
      ...qkNormOf(`${layer}.attn.k_norm`, keys),
      ...linear(`${layer}.attn.output_proj`, dModel, queries, hasOutput),
      ...normOf(`${layer}.ln2`),
      ...linear(`${layer}.ffn.w1`, dFf, dModel, hasFfn),
      ...(isGated(ffn) ? linear(`${layer}.ffn.w3`, dFf, dModel, hasFfn) : []),
      ...linear(`${layer}.ffn.w2`, dModel, dFf, hasFfn),
    );
  }
  specs.push(...normOf("ln_final"));
  if (!tieEmbeddings) specs.push({ name: "lm_head.weight", shape: [vocabSize, dModel] });
  // At the end, so that all others keep their places, and with them the random numbers that they start from.
  for (const i of valueEmbeddingLayers(config)) {
    specs.push({ name: `layers.${i}.attn.value_embeddings.weight`, shape: [vocabSize, keys] });
  }
  return specs;
}

/** The number of elements of a parameter. */
export function sizeOf(spec: ParameterSpec): number {
  return spec.shape.reduce((product, n) => product * n, 1);
}

/**
 * One array per parameter, side by side in one storage, each aligned. The optimizer sees one flat array, the model sees
 * its parts. Parameters, gradients and an optimizer's state share this layout. The gaps between parts hold zeros, and
 * stay zero: a zero parameter with a zero gradient does not change.
 */
export class ParameterLayout {
  /** The whole storage as one array. */
  readonly flat: Tensor;
  /** The parts by parameter name, in memory order. */
  readonly parts: ReadonlyMap<string, Tensor>;
  /** What the matrices among the parameters are kept in. */
  readonly weightsDtype: WeightsDType;

  /**
   * Lays out parameters in the order given. `label` names the storage in messages.
   *
   * @param weightsDtype What the parameters with two dimensions are kept in; the others are f32. Default: `"f32"`.
   * @throws {OptionError} If there is no such format.
   * @throws {RangeError} If parameters in bf16 or int8 are to have gradients.
   */
  constructor(
    label: string,
    specs: readonly ParameterSpec[],
    requiresGrad: boolean,
    weightsDtype: WeightsDType = "f32",
  ) {
    if (!WEIGHTS_DTYPES.includes(weightsDtype)) {
      throw new OptionError(
        say`Cannot lay out ${label}: got ${option("weightsDtype")} ${excerpt(weightsDtype)}, must be ${
          WEIGHTS_DTYPES.join(", ")
        }`,
      );
    }
    if (requiresGrad && weightsDtype !== "f32") {
      throw new RangeError(`Cannot lay out ${label}: got gradients of weights in ${weightsDtype}, must be of f32`);
    }
    this.weightsDtype = weightsDtype;
    // Learned positions are added, not multiplied or looked up by a token: no kernel reads them as anything but f32.
    const quantized = ({ name, shape }: ParameterSpec) =>
      weightsDtype !== "f32" && shape.length === 2 && name !== "position_embeddings.weight" ? weightsDtype : undefined;
    const offsets: number[] = [];
    let bytes = 0;
    for (const spec of specs) {
      offsets.push(bytes);
      const dtype = quantized(spec);
      bytes += dtype ? QuantizedTensor.bytesOf(spec.shape, dtype) : align(sizeOf(spec) * BYTES_PER_ELEMENT);
    }
    const storage = new DeviceStorage(label, bytes);
    this.flat = new Tensor(label, [bytes / BYTES_PER_ELEMENT], { placement: { storage, byteOffset: 0 } });
    this.parts = new Map(specs.map((spec, i) => {
      const { name, shape } = spec;
      const placement = { storage, byteOffset: offsets[i] };
      const dtype = quantized(spec);
      const part = dtype
        ? new QuantizedTensor(name, shape, dtype, placement)
        : new Tensor(name, shape, { placement, requiresGrad });
      return [name, part];
    }));
  }

  /** Bytes of device memory that they take together. */
  get bytes(): number {
    return this.flat.placement!.storage.bytes;
  }

  /** The names and shapes that it was made from. */
  get specs(): ParameterSpec[] {
    return [...this.parts].map(([name, { shape }]) => ({ name, shape }));
  }

  /** The number of elements of all parameters together. */
  get count(): number {
    return [...this.parts.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * The tensor of a parameter, by its name in a checkpoint.
   *
   * @throws {Error} If there is no parameter of that name.
   */
  part(name: string): Tensor {
    const tensor = this.parts.get(name);
    if (tensor === undefined) throw new Error(`Cannot find parameter "${name}"`);
    return tensor;
  }

  /** Frees them all on a backend. */
  release(backend: Backend): void {
    backend.release(this.flat.placement!.storage);
  }
}
