import { excerpt } from "../../io/excerpt.ts";
import { unusable } from "../safetensors_header.ts";
import type { GgufValue } from "./values.ts";

/**
 * The metadata of a GGUF file. Each method reads one key, and throws a {@linkcode UserError} that names the file and the
 * key if the value is missing or of another kind. Methods that end in `OrNone` return `undefined` for an absent key.
 */
export class GgufMetadata {
  /** Every value with its type, in file order. */
  readonly values: ReadonlyMap<string, GgufValue>;
  readonly #label: string;

  /** @param label The file's name, for errors. */
  constructor(values: ReadonlyMap<string, GgufValue>, label: string) {
    this.values = values;
    this.#label = label;
  }

  /** Whether there is a value of that key. */
  has(key: string): boolean {
    return this.values.has(key);
  }

  /** A text. */
  string(key: string): string {
    const found = this.#find(key, "a text");
    return found.type === "string" ? found.value : this.refuse(key, "a text");
  }

  /** A text, or nothing. */
  stringOrNone(key: string): string | undefined {
    return this.has(key) ? this.string(key) : undefined;
  }

  /** True or false. */
  boolean(key: string): boolean {
    const found = this.#find(key, "true or false");
    return found.type === "bool" ? found.value : this.refuse(key, "true or false");
  }

  /** True, false or nothing. */
  booleanOrNone(key: string): boolean | undefined {
    return this.has(key) ? this.boolean(key) : undefined;
  }

  /** A number of any type, whole or not. One of 64 bits must be below 2⁵³. */
  number(key: string): number {
    const found = this.#find(key, "a number");
    if (found.type === "array" || typeof found.value === "string" || typeof found.value === "boolean") {
      return this.refuse(key, "a number");
    }
    const value = Number(found.value);
    if (typeof found.value === "bigint" && !Number.isSafeInteger(value)) return this.refuse(key, "below 2^53");
    return value;
  }

  /** A number, or nothing. */
  numberOrNone(key: string): number | undefined {
    return this.has(key) ? this.number(key) : undefined;
  }

  /** A whole number from `min` on, of any type of whole numbers. */
  integer(key: string, min = 0): number {
    const must = `a whole number from ${min} on`;
    const { type } = this.#find(key, must);
    if (type === "float32" || type === "float64") return this.refuse(key, must);
    const value = this.number(key);
    return value >= min ? value : this.refuse(key, must);
  }

  /** A whole number from `min` on, or nothing. */
  integerOrNone(key: string, min = 0): number | undefined {
    return this.has(key) ? this.integer(key, min) : undefined;
  }

  /** Many texts. */
  strings(key: string): readonly string[] {
    const found = this.#find(key, "a list of texts");
    return found.type === "array" && found.of === "string" ? found.value : this.refuse(key, "a list of texts");
  }

  /** Many texts, or nothing. */
  stringsOrNone(key: string): readonly string[] | undefined {
    return this.has(key) ? this.strings(key) : undefined;
  }

  /** Many numbers of at most 32 bits, or of float64. */
  numbers(key: string): ArrayLike<number> {
    const found = this.#find(key, "a list of numbers");
    if (found.type !== "array") return this.refuse(key, "a list of numbers");
    switch (found.of) {
      case "array":
      case "bool":
      case "string":
      case "int64":
      case "uint64":
        return this.refuse(key, "a list of numbers");
      default:
        return found.value;
    }
  }

  /** Many numbers, or nothing. */
  numbersOrNone(key: string): ArrayLike<number> | undefined {
    return this.has(key) ? this.numbers(key) : undefined;
  }

  /**
   * Refuses the value of a key.
   * @param must What it must be.
   * @throws {UserError} Always.
   */
  refuse(key: string, must: string): never {
    const found = this.values.get(key);
    const got = found === undefined ? `no ${excerpt(key)}` : `${excerpt(key)} ${describe(found)}`;
    throw unusable(this.#label, got, must);
  }

  #find(key: string, must: string): GgufValue {
    return this.values.get(key) ?? this.refuse(key, must);
  }
}

function describe(found: GgufValue): string {
  if (found.type === "array") return `(${found.value.length} × ${found.of})`;
  const value = typeof found.value === "bigint" ? String(found.value) : excerpt(found.value);
  return `${value} (${found.type})`;
}
