import type { MatmulKernel, MatmulSizes } from "../../kernels/wgsl/matmul/matmul_source.ts";
import type { WebGpuBackend } from "../backend/webgpu.ts";
import type { Kernel } from "../graph/kernel.ts";
import { Program, wholeOf } from "../graph/program.ts";
import { DeviceStorage, type View } from "../graph/tensor.ts";
import { repeatedTimes } from "./repeated_times.ts";

/** The shortest run by the device's clock, and a number of repetitions that takes longer than that on any device. */
const SHORTEST_SECONDS = 0.01;
const MOST_REPEATS = 1 << 17;

/** How many elements of C are compared with float64 sums: the last ones of its last row. */
const CHECKED = 64;
const TOLERANCE = 1e-4;

/**
 * The values of the operands, which f16 can hold. Not zeros: those would draw less power, and let a GPU run faster.
 */
const PATTERN = Float16Array.from({ length: 4096 - 5 }, (_, i) => Math.sin(i) / 8);

/** One product of a linear map on a GPU, to time and check in each way in which the GPU can compute it. */
export class TimedProduct implements Disposable {
  readonly #backend: WebGpuBackend;
  readonly #matmul: MatmulKernel;
  readonly #sizes: MatmulSizes;
  readonly #views: readonly View[];
  readonly #program: Program;

  /** @param operands The type of A and B; C is f32. */
  constructor(
    backend: WebGpuBackend,
    kernel: Kernel,
    matmul: MatmulKernel,
    sizes: MatmulSizes,
    operands: "f32" | "f16",
  ) {
    this.#backend = backend;
    this.#matmul = matmul;
    this.#sizes = sizes;
    const { M, N, K } = matmul.sizes;
    const named: Record<string, number> = { [M]: sizes.M, [N]: sizes.N, [K]: sizes.K, accumulate: 0 };
    const elements = kernel.sizes!(named);
    this.#views = [...kernel.inputs, ...kernel.outputs].map((name, i) => {
      const size = elements[name];
      if (i === 2 || operands === "f32") return wholeOf(new DeviceStorage(name, 4 * size));
      return { storage: new DeviceStorage(name, 4 * Math.ceil(size / 2)), byteOffset: 0, size, dtype: "f16" };
    });
    const constants = Object.keys(kernel.constants).map((name) => named[name]);
    const calls = [{ kernel, views: this.#views, constants }];
    this.#program = new Program({ calls, inputs: this.#views[0].storage, scratch: [], placements: new Map() });
  }

  /** The shortest time, in seconds, as the backend computes it now; `undefined` if the device has no clock. */
  async seconds(): Promise<number | undefined> {
    const { time } = await this.#backend.load(this.#program);
    if (time === undefined) return undefined;
    for (const view of this.#views.slice(0, 2)) {
      if (view.dtype === "f16") this.#backend.write(wholeOf(view.storage, "u32"), halves(view.size));
      else this.#backend.write(view, filled(new Float32Array(view.size)));
    }
    this.#backend.write(this.#views[2], new Float32Array(this.#views[2].size));
    const times = await repeatedTimes(time, SHORTEST_SECONDS, MOST_REPEATS);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  /** Whether the last elements of C are right. */
  async isRight(): Promise<boolean> {
    const { M, N, K } = this.#sizes;
    const { a, b } = this.#matmul;
    const count = Math.min(CHECKED, N);
    const c = this.#views[2];
    const got = await this.#backend.read({ ...c, size: count, byteOffset: 4 * (M * N - count) });
    const value = (i: number) => PATTERN[i % PATTERN.length];
    return got.every((found, j) => {
      const column = N - count + j;
      let [sum, size] = [0, 0];
      for (let k = 0; k < K; k++) {
        const left = value(a.layout === "rows" ? (M - 1) * K + k : k * M + M - 1);
        const term = left * value(b.layout === "rows" ? column * K + k : k * N + column);
        sum += term;
        size += Math.abs(term);
      }
      return Math.abs(found - sum) <= TOLERANCE * size;
    });
  }

  [Symbol.dispose](): void {
    for (const { storage } of this.#views) this.#backend.release(storage);
  }
}

/** f16 as the words that the host writes instead, with zeros up to a whole word. */
function halves(size: number): Uint32Array {
  const words = new Uint32Array(Math.ceil(size / 2));
  filled(new Float16Array(words.buffer).subarray(0, size));
  return words;
}

function filled<T extends Float32Array | Float16Array>(data: T): T {
  for (let first = 0; first < data.length; first += PATTERN.length) {
    data.set(PATTERN.subarray(0, data.length - first), first);
  }
  return data;
}
