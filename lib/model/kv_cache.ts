import type { Backend } from "../backend/backend.ts";
import { releaseTensors } from "../backend/release.ts";
import { BYTES_PER_ELEMENT, DeviceStorage, Tensor } from "../graph/tensor.ts";
import { withDefaults } from "./architecture.ts";
import type { ModelConfig } from "./config.ts";

/** Rotated keys, and values, of every position so far: one pair of arrays per layer. */
export interface KvCache {
  /**
   * (1) of type u32, an input of each program that uses the cache: the position of the first new token. Or (batch), one
   * for each sequence, where each has one new token: passed only to a model that says it `canPart`.
   */
  readonly start: Tensor;
  /** Per layer, (batch, contextLength, the width of all heads of keys). */
  readonly layers: readonly { readonly keys: Tensor; readonly values: Tensor }[];
}

/** The cache's arrays without a position. Programs that share them each have their own `start`. */
export function kvCacheLayers(config: ModelConfig, batch: number): KvCache["layers"] {
  const { contextLength, numKeyValueHeads, headDim } = withDefaults(config);
  const width = numKeyValueHeads * headDim;
  const shape = [batch, contextLength, width];
  const cached = (name: string) => {
    const storage = new DeviceStorage(name, batch * contextLength * width * BYTES_PER_ELEMENT);
    return new Tensor(name, shape, { placement: { storage, byteOffset: 0 } });
  };
  return Array.from({ length: config.numLayers }, (_, i) => ({
    keys: cached(`keys of layer ${i}`),
    values: cached(`values of layer ${i}`),
  }));
}

/** Frees the cache's arrays. */
export function releaseLayers(backend: Backend, layers: KvCache["layers"]): void {
  releaseTensors(backend, layers.flatMap(({ keys, values }) => [keys, values]));
}
