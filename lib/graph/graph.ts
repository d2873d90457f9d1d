import type { Gradients } from "./backward.ts";
import { copy } from "./copy.ts";
import type { ConstantType, Kernel } from "./kernel.ts";
import { Tensor, type TensorOptions } from "./tensor.ts";

/** One kernel call on tensors, in the order in which the program will make it. */
export interface Call {
  /** The kernel to run. */
  readonly kernel: Kernel;
  /** In the order of `kernel.inputs`. */
  readonly inputs: readonly Tensor[];
  /** In the order of `kernel.outputs`. */
  readonly outputs: readonly Tensor[];
  /** In the order of `kernel.constants`. */
  readonly constants: readonly number[];
}

/** The arguments of one call, by the names that the kernel gives them. */
export interface Arguments<I extends string, O extends string, C extends string> {
  /** What the kernel reads. */
  readonly inputs: Readonly<Record<I, Tensor>>;
  /** What the kernel writes. */
  readonly outputs: Readonly<Record<O, Tensor>>;
  /** Sizes and factors. */
  readonly constants: Readonly<Record<C, number>>;
}

/**
 * An op's hand-derived backward rule: given `dY`, the gradient of the loss with respect to the op's output, it appends
 * the kernel calls that add each input's share to `gradients`.
 */
export type BackwardRule = (dY: Tensor, gradients: Gradients) => void;

/** What the tape keeps of one op. */
export interface TapeEntry {
  /** The op's name, for messages. */
  readonly op: string;
  /** What gradients are found for. */
  readonly inputs: readonly Tensor[];
  /** What it computed. */
  readonly output: Tensor;
  /** Appends the kernel calls that compute its inputs' gradients. */
  readonly backward: BackwardRule;
}

/** The number format in which a graph holds what it computes. */
export type Precision = "f32" | "f16" | "bf16";

const PRECISIONS: readonly Precision[] = ["f32", "f16", "bf16"];

/** Options for a graph. */
export interface GraphOptions {
  /**
   * `"f32"` by default. In `"f16"`, the operands of matrix products and attention, and what the ops between them pass
   * on, are f16, rounded when written. Sums, the statistics of norms and softmax, the residual stream, weights and
   * their gradients stay f32.
   *
   * In `"bf16"`, all arrays are f32, and only the products of linear maps, forward and backward, round their operands to
   * bf16 as they read them; sums are f32. It needs the native backend.
   */
  readonly precision?: Precision;
}

/**
 * Records a computation once, so that it can be planned and replayed. Ops append kernel calls, and put their backward
 * rules on the tape.
 */
export class Graph {
  /** The format of matrix products' operands and of what lies between layers; see `GraphOptions`. */
  readonly precision: Precision;
  readonly #halves = new Map<Tensor, Tensor>();
  readonly #calls: Call[] = [];
  readonly #tape: TapeEntry[] = [];
  readonly #inputs: Tensor[] = [];

  /**
   * A graph without ops, in `"f32"` by default.
   *
   * @throws {RangeError} If `precision` is none of `"f32"`, `"f16"` and `"bf16"`.
   */
  constructor({ precision = "f32" }: GraphOptions = {}) {
    if (!PRECISIONS.includes(precision)) {
      const got = JSON.stringify(precision);
      throw new RangeError(`Cannot make a graph: got precision ${got}, must be f32, f16 or bf16`);
    }
    this.precision = precision;
  }

  /** The kernel calls, in the order in which they were recorded. */
  get calls(): readonly Call[] {
    return this.#calls;
  }

  /**
   * The ops, in the order in which they were recorded. {@linkcode backward} goes through them from last to first.
   */
  get tape(): readonly TapeEntry[] {
    return this.#tape;
  }

  /** Tensors that the host writes before a run. The planner packs them into a single storage. */
  get inputs(): readonly Tensor[] {
    return this.#inputs;
  }

  /** Declares a tensor that the host fills before each run. */
  input(name: string, shape: readonly number[], options: Omit<TensorOptions, "placement" | "base"> = {}): Tensor {
    const tensor = new Tensor(name, shape, options);
    this.#inputs.push(tensor);
    return tensor;
  }

  /** Makes the tensor for an op's output, in the graph's precision. */
  activation(name: string, shape: readonly number[]): Tensor {
    return new Tensor(name, shape, { dtype: this.precision === "f16" ? "f16" : "f32" });
  }

  /** The operand that a matrix product takes for `x`: in a graph in f16, an f16 copy of it, made only once. */
  operand(x: Tensor): Tensor {
    if (this.precision !== "f16" || x.dtype === "f16") return x;
    let half = this.#halves.get(x);
    if (half === undefined) {
      half = new Tensor(`${x.name} as f16`, x.shape, { dtype: "f16" });
      copy(this, x, half, false);
      this.#halves.set(x, half);
    }
    return half;
  }

  /**
   * Appends a kernel call.
   * @throws {Error} If an output is also an input or another output: a device must not read and write one array in the
   *   same call.
   * @throws {TypeError} If an array holds integers where the kernel takes floating-point numbers, or vice versa.
   * @throws {RangeError} If a constant does not fit its type, or an array's size is not what the kernel declares.
   */
  call<I extends string, O extends string, C extends string>(kernel: Kernel<I, O, C>, args: Arguments<I, O, C>): void {
    const inputs = kernel.inputs.map((name) => args.inputs[name]);
    const outputs = kernel.outputs.map((name) => args.outputs[name]);
    const [read, written] = [inputs, outputs].map((tensors) => tensors.map(({ base }) => base));
    const clash = outputs.find(({ base }, i) => read.includes(base) || written.indexOf(base) !== i);
    if (clash) throw new Error(`Cannot call ${kernel.name}: got ${clash} twice, must be written in one place only`);
    for (const [names, tensors] of [[kernel.inputs, inputs], [kernel.outputs, outputs]] as const) {
      names.forEach((name, i) => requireElements(kernel, name, tensors[i]));
    }
    const types = Object.entries<ConstantType>(kernel.constants);
    const constants = types.map(([name]) => args.constants[name as C]);
    types.forEach(([name, type], i) => requireConstant(kernel, name, type, constants[i]));
    requireSizes(kernel, [...inputs, ...outputs], args.constants);
    this.#calls.push({ kernel, inputs, outputs, constants });
  }

  /** Puts an op's backward rule on the tape. Its output needs a gradient when any of its inputs does. */
  record(entry: TapeEntry): Tensor {
    if (entry.inputs.some((x) => x.requiresGrad)) {
      entry.output.requiresGrad = true;
      this.#tape.push(entry);
    }
    return entry.output;
  }
}

/** Kernels read bits: integers read as floating-point numbers, or vice versa, would be different numbers. */
function requireElements(kernel: Kernel, name: string, tensor: Tensor): void {
  const isInteger = kernel.integers?.includes(name) ?? false;
  if (isInteger ? tensor.dtype === "u32" : tensor.dtype === "f32" || tensor.dtype === "f16") return;
  throw new TypeError(
    `Cannot call ${kernel.name}: got ${tensor} of type ${tensor.dtype} as ${name}, must be ${
      isInteger ? "u32" : "f32 or f16"
    }`,
  );
}

/** Kernels trust their constants, and beyond the end of one array lies another. */
function requireSizes(kernel: Kernel, tensors: readonly Tensor[], constants: Readonly<Record<string, number>>): void {
  const sizes = kernel.sizes?.(constants);
  if (sizes === undefined) return;
  [...kernel.inputs, ...kernel.outputs].forEach((name, i) => {
    if (tensors[i].size === sizes[name]) return;
    throw new RangeError(`Cannot call ${kernel.name}: got ${tensors[i]} as ${name}, must have ${sizes[name]} elements`);
  });
}

function requireConstant(kernel: Kernel, name: string, type: ConstantType, value: number): void {
  // What a float64 holds and a float32 does not would be infinite in the kernel.
  const isRight = type === "u32"
    ? Number.isInteger(value) && value >= 0 && value < 2 ** 32
    : Number.isFinite(Math.fround(value));
  if (isRight) return;
  const mustBe = type === "u32" ? "a whole number from 0 to 2^32 − 1" : "a number that is finite as a float32";
  throw new RangeError(`Cannot call ${kernel.name}: got ${name} ${value}, must be ${mustBe}`);
}
