/**
 * Element types of GGUF tensors. Quantised types store blocks of elements that lie next to each other in a row, each block
 * with its own scale.
 *
 * Source: the numbers and block sizes in ggml's ggml.h and ggml-common.h, and in the Python package `gguf`.
 */

/** How a type stores elements. */
export interface TensorType {
  /** Its number in files. */
  readonly id: number;
  /** ggml's name: `F32`, `Q4_K`, … */
  readonly name: string;
  /** Elements of one block; 1 for types without blocks. */
  readonly blockElements: number;
  /** Bytes of one block. */
  readonly blockBytes: number;
}

const TABLE: readonly (readonly [id: number, name: string, blockElements: number, blockBytes: number])[] = [
  [0, "F32", 1, 4],
  [1, "F16", 1, 2],
  [2, "Q4_0", 32, 18],
  [3, "Q4_1", 32, 20],
  [6, "Q5_0", 32, 22],
  [7, "Q5_1", 32, 24],
  [8, "Q8_0", 32, 34],
  [9, "Q8_1", 32, 40],
  [10, "Q2_K", 256, 84],
  [11, "Q3_K", 256, 110],
  [12, "Q4_K", 256, 144],
  [13, "Q5_K", 256, 176],
  [14, "Q6_K", 256, 210],
  [15, "Q8_K", 256, 292],
  [16, "IQ2_XXS", 256, 66],
  [17, "IQ2_XS", 256, 74],
  [18, "IQ3_XXS", 256, 98],
  [19, "IQ1_S", 256, 50],
  [20, "IQ4_NL", 32, 18],
  [21, "IQ3_S", 256, 110],
  [22, "IQ2_S", 256, 82],
  [23, "IQ4_XS", 256, 136],
  [24, "I8", 1, 1],
  [25, "I16", 1, 2],
  [26, "I32", 1, 4],
  [27, "I64", 1, 8],
  [28, "F64", 1, 8],
  [29, "IQ1_M", 256, 56],
  [30, "BF16", 1, 2],
  [34, "TQ1_0", 256, 54],
  [35, "TQ2_0", 256, 66],
  [39, "MXFP4", 32, 17],
  [40, "NVFP4", 64, 36],
  [41, "Q1_0", 128, 18],
];

const TYPES: readonly TensorType[] = TABLE.map(([id, name, blockElements, blockBytes]) => ({
  id,
  name,
  blockElements,
  blockBytes,
}));

const BY_ID = new Map(TYPES.map((type) => [type.id, type]));
const BY_NAME = new Map(TYPES.map((type) => [type.name, type]));

/** The type of a number in a file; `undefined` if it is newer than this list. */
export function tensorTypeOf(id: number): TensorType | undefined {
  return BY_ID.get(id);
}

/** The type of a name; `undefined` if there is none. */
export function tensorTypeNamed(name: string): TensorType | undefined {
  return BY_NAME.get(name);
}
