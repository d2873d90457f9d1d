/** Values of GGUF metadata: every value has a type, which is kept, so that it can be written again as it was. */

/** Types of numbers that fit a JavaScript number. */
export type GgufNumberType = "uint8" | "int8" | "uint16" | "int16" | "uint32" | "int32" | "float32" | "float64";

/** Types of numbers of 64 bits. */
export type GgufBigType = "uint64" | "int64";

/** Many values of one type. */
export type GgufArray =
  | { readonly type: "array"; readonly of: GgufNumberType; readonly value: ArrayLike<number> }
  | { readonly type: "array"; readonly of: GgufBigType; readonly value: ArrayLike<bigint> }
  | { readonly type: "array"; readonly of: "bool"; readonly value: readonly boolean[] }
  | { readonly type: "array"; readonly of: "string"; readonly value: readonly string[] }
  | { readonly type: "array"; readonly of: "array"; readonly value: readonly GgufArray[] };

/** A value with its type. */
export type GgufValue =
  | { readonly type: GgufNumberType; readonly value: number }
  | { readonly type: GgufBigType; readonly value: bigint }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string }
  | GgufArray;

/** The name of a value's type. */
export type GgufType = GgufValue["type"];

/** The types in the order of their numbers in files, from 0 on. */
export const VALUE_TYPES: readonly GgufType[] = [
  "uint8",
  "int8",
  "uint16",
  "int16",
  "uint32",
  "int32",
  "float32",
  "bool",
  "string",
  "array",
  "uint64",
  "int64",
  "float64",
];

/** The fewest bytes that a value of each type takes: a text has its length, an array the type and number of its values. */
export const LEAST_BYTES: Readonly<Record<GgufType, number>> = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  bool: 1,
  string: 8,
  array: 12,
  uint64: 8,
  int64: 8,
  float64: 8,
};

/** Arrays of numbers in memory. */
export const ARRAY_OF = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
} as const;

/** Whether the type is one of {@linkcode ARRAY_OF}. */
export function isNumeric(type: GgufType): type is GgufNumberType | GgufBigType {
  return Object.hasOwn(ARRAY_OF, type);
}
