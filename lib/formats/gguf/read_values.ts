import { excerpt } from "../../io/excerpt.ts";
import type { HeaderReader } from "./header_reader.ts";
import {
  ARRAY_OF,
  type GgufArray,
  type GgufBigType,
  type GgufNumberType,
  type GgufType,
  type GgufValue,
  LEAST_BYTES,
  VALUE_TYPES,
} from "./values.ts";

/** The most arrays in each other. Nobody is known to nest any. */
const MAX_DEPTH = 4;

/**
 * Reads the type and value of a key.
 * @throws {UserError} If the type is unknown, or the value does not fit the file.
 */
export function readValue(reader: HeaderReader, key: string): GgufValue {
  const type = readType(reader, key);
  if (type === "array") return readArray(reader, key, 1);
  if (type === "string") return { type, value: reader.string(`the value of ${excerpt(key)}`) };
  if (type === "bool") return { type, value: readBooleans(reader, key, 1)[0] };
  const [value] = readNumbers(reader, type, 1);
  return { type, value } as GgufValue;
}

function readArray(reader: HeaderReader, key: string, depth: number): GgufArray {
  if (depth > MAX_DEPTH) {
    throw reader.unusable(`${excerpt(key)} with more than ${MAX_DEPTH} arrays in each other`, `at most ${MAX_DEPTH}`);
  }
  const of = readType(reader, key);
  const count = reader.count(`values of ${excerpt(key)}`, LEAST_BYTES[of]);
  if (of === "array") {
    return { type: "array", of, value: Array.from({ length: count }, () => readArray(reader, key, depth + 1)) };
  }
  if (of === "string") {
    const what = `a value of ${excerpt(key)}`;
    return { type: "array", of, value: Array.from({ length: count }, () => reader.string(what)) };
  }
  if (of === "bool") return { type: "array", of, value: readBooleans(reader, key, count) };
  return { type: "array", of, value: readNumbers(reader, of, count) } as GgufArray;
}

function readType(reader: HeaderReader, key: string): GgufType {
  const id = reader.uint32();
  if (id < VALUE_TYPES.length) return VALUE_TYPES[id];
  throw reader.unusable(`${excerpt(key)} of type ${id}`, `a type from 0 to ${VALUE_TYPES.length - 1}`);
}

function readBooleans(reader: HeaderReader, key: string, count: number): boolean[] {
  const bytes = reader.bytes(count);
  const wrong = bytes.find((byte) => byte > 1);
  if (wrong !== undefined) throw reader.unusable(`${excerpt(key)} with ${wrong} for true or false`, "0 or 1");
  return Array.from(bytes, (byte) => byte === 1);
}

function readNumbers(reader: HeaderReader, of: GgufNumberType | GgufBigType, count: number) {
  const { buffer } = reader.bytes(count * LEAST_BYTES[of], true);
  return new ARRAY_OF[of](buffer);
}
