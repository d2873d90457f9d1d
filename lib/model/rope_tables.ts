import { align } from "../graph/plan.ts";
import { BYTES_PER_ELEMENT, DeviceStorage, Tensor } from "../graph/tensor.ts";
import type { RopeTables } from "../ops/rope.ts";
import { withDefaults } from "./architecture.ts";
import type { ModelConfig } from "./config.ts";
import { ropeFrequencies } from "./rope_scaling.ts";

/**
 * The rotary tables of a model, one after the other in a storage that holds them wherever it is loaded. Dimensions of a
 * head that are not rotated have an angle of 0 at every position: their cosine is 1 and their sine is 0.
 */
export function modelRopeTables(config: ModelConfig): Pick<RopeTables, "cos" | "sin"> {
  const { contextLength, headDim, rotaryDim, ropeTheta, ropeScaling } = withDefaults(config);
  const half = headDim / 2;
  const shape = [contextLength, half];
  const bytes = align(contextLength * half * BYTES_PER_ELEMENT);
  const tables = new DeviceStorage("rope tables", 2 * bytes, () => {
    const { frequencies, magnitude } = ropeFrequencies(rotaryDim, ropeTheta, ropeScaling);
    const contents = new Float32Array(2 * bytes / BYTES_PER_ELEMENT);
    const [cos, sin] = [contents, contents.subarray(bytes / BYTES_PER_ELEMENT)];
    for (let position = 0; position < contextLength; position++) {
      const row = position * half;
      cos.fill(1, row, row + half);
      for (const [i, frequency] of frequencies.entries()) {
        cos[row + i] = magnitude * Math.cos(position * frequency);
        sin[row + i] = magnitude * Math.sin(position * frequency);
      }
    }
    return contents;
  });
  return {
    cos: new Tensor("rope cos", shape, { placement: { storage: tables, byteOffset: 0 } }),
    sin: new Tensor("rope sin", shape, { placement: { storage: tables, byteOffset: bytes } }),
  };
}
