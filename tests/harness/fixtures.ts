import { Safetensors } from "../../lib/formats/safetensors.ts";

/** PyTorch's values for one op: computed in float64 from inputs that are exact in float32, then rounded to float32. */
export interface Fixture {
  readonly metadata: Readonly<Record<string, string>>;
  floats(name: string): Float32Array<ArrayBuffer>;
  integers(name: string): Uint32Array<ArrayBuffer>;
  shape(name: string): readonly number[];
}

/** Loads `tests/fixtures/torch/NAME.safetensors`. */
export function loadFixture(name: string): Fixture {
  const url = new URL(`../fixtures/torch/${name}.safetensors`, import.meta.url);
  const file = Safetensors.fromBytes(Deno.readFileSync(url), url.pathname);
  return {
    metadata: file.metadata,
    floats: (tensor) => file.readFloats(tensor),
    integers: (tensor) => file.readIntegers(tensor),
    shape: (tensor) => file.tensors.get(tensor)!.shape,
  };
}

/** Reorders (B, H, T, headDim), as PyTorch keeps heads, to (B, T, H, headDim), as this project does. */
export function headsLast(x: Float32Array, [B, H, T, headDim]: readonly number[]): Float32Array<ArrayBuffer> {
  const y = new Float32Array(x.length);
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      for (let t = 0; t < T; t++) {
        const from = ((b * H + h) * T + t) * headDim;
        y.set(x.subarray(from, from + headDim), ((b * T + t) * H + h) * headDim);
      }
    }
  }
  return y;
}
