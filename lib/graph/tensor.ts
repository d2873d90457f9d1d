/**
 * Tensors are names for arrays, not arrays: a shape, a type, and (once planned) a place in a backend's memory.
 * All arrays are dense and row-major.
 */

/**
 * Element types a kernel can read: 32-bit floats, unsigned integers for token ids and positions, and 16-bit floats for
 * intermediates on a GPU that has them. The host neither reads nor writes f16. Weights of bf16 and int8 are read as words
 * of u32, by kernels of their own.
 */
export type DType = "f32" | "u32" | "f16" | "bf16" | "int8";

/** Those of plain tensors. */
const DTYPES: readonly DType[] = ["f32", "u32", "f16"];

/** Bytes per element, for the types that the host knows. */
export const BYTES_PER_ELEMENT = 4;

/** Bytes that the elements of an array take. */
export function bytesOf({ size, dtype }: { readonly size: number; readonly dtype: DType }): number {
  return size * (dtype === "f16" ? 2 : BYTES_PER_ELEMENT);
}

/** A block of memory that a backend allocates, zeroed, the first time a program that uses it is loaded. */
export class DeviceStorage {
  /**
   * Describes a block; no backend has allocated it yet.
   *
   * @param name What the block holds, for error messages and memory reports.
   * @param bytes Its size; a multiple of 4.
   * @param contents Makes the whole contents of the block, instead of zeros. Backends call it when they allocate.
   * @throws {RangeError} If `bytes` is not a positive multiple of 4.
   */
  constructor(
    readonly name: string,
    readonly bytes: number,
    readonly contents?: () => Float32Array | Uint32Array,
  ) {
    if (!Number.isSafeInteger(bytes) || bytes <= 0 || bytes % BYTES_PER_ELEMENT !== 0) {
      throw new RangeError(`Cannot make storage "${name}": got ${bytes} bytes, must be a positive multiple of 4`);
    }
  }
}

/** Where an array lies: its storage, and the offset of its first byte there. */
export interface Placement {
  /** The block of memory that it is a part of. */
  readonly storage: DeviceStorage;
  /** In bytes: a multiple of the element size. */
  readonly byteOffset: number;
}

/** Integers that kernels use to find places in arrays: each must be below a bound. */
export interface IndexRange {
  /** What they are called in an error. */
  readonly name: string;
  /** Where the first of them is in its view. */
  readonly first: number;
  /** How many there are. */
  readonly size: number;
  /** The bound, a whole number. */
  readonly below: number;
}

/** A placed array, ready for a backend to read, write, or pass to a kernel. */
export interface View extends Placement {
  /** Number of elements. */
  readonly size: number;
  /** The type of its elements. */
  readonly dtype: DType;
  /** Bounds of what the host may write: see `requireIndices`. */
  readonly indices?: readonly IndexRange[];
}

/** Options for a tensor. */
export interface TensorOptions {
  /** Element type; `"f32"` by default. */
  readonly dtype?: DType;
  /** A fixed place. Parameters, gradients and optimizer state have one; intermediates get theirs from the planner. */
  readonly placement?: Placement;
  /** Whether `backward` should find this leaf's gradient. */
  readonly requiresGrad?: boolean;
  /** The tensor whose array this one names too, in another shape: it has that one's type and place. */
  readonly base?: Tensor;
}

/** A named array of fixed shape. Compared by identity. */
export class Tensor {
  /** The type of its elements. */
  readonly dtype: DType;
  /** Its fixed place. The planner gives a place to a tensor without one. */
  readonly placement: Placement | undefined;
  /** Number of elements: the product of the shape. */
  readonly size: number;
  /** Which of all the tensors that name one array has the place: this one, unless it was made as a shape of another. */
  readonly base: Tensor;
  /** True for a leaf that wants a gradient, and for everything computed from one. */
  requiresGrad: boolean;
  /**
   * For integers: every element must be below this, because an op uses them to find places in an array. Backends refuse
   * others when the host writes them.
   */
  below: number = Infinity;

  /**
   * Names an array. It has a place only if `options` give it one.
   *
   * @throws {RangeError} If the shape is empty or holds anything but positive integers; if there is no such type; or if
   * `base` has another type, another place, or another number of elements.
   */
  constructor(readonly name: string, readonly shape: readonly number[], options: TensorOptions = {}) {
    if (shape.length === 0 || shape.some((n) => !Number.isSafeInteger(n) || n <= 0)) {
      throw new RangeError(
        `Cannot make tensor "${name}": got shape (${shape.join(", ")}), must be one or more positive integers`,
      );
    }
    const { base } = options;
    const { dtype = base?.dtype ?? "f32" } = options;
    if (!DTYPES.includes(dtype)) {
      throw new RangeError(
        `Cannot make tensor "${name}": got dtype ${JSON.stringify(dtype)}, must be f32, u32 or f16`,
      );
    }
    this.size = shape.reduce((product, n) => product * n, 1);
    this.dtype = dtype;
    this.placement = options.placement ?? base?.placement;
    this.base = base?.base ?? this;
    if (this.size !== this.base.size || dtype !== this.base.dtype || this.placement !== this.base.placement) {
      throw new RangeError(
        `Cannot make tensor ${this}: got base ${base}, must have as many elements, of its type, at its place`,
      );
    }
    this.requiresGrad = options.requiresGrad ?? false;
  }

  /** The last dimension. */
  get lastDim(): number {
    return this.shape[this.shape.length - 1];
  }

  /** The product of all dimensions but the last. */
  get rows(): number {
    return this.size / this.lastDim;
  }

  /** `name (2, 16, 32)`, for error messages. */
  toString(): string {
    return `${this.name} (${this.shape.join(", ")})`;
  }
}
