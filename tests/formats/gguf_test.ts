import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { Gguf } from "../../lib/formats/gguf/gguf.ts";
import { Safetensors } from "../../lib/formats/safetensors.ts";
import { bytesOf, ggufOf, string, tensor, u32, u64 } from "./gguf_bytes.ts";

const FIXTURES = new URL("../fixtures/gguf/", import.meta.url).pathname;
const FILE = `${FIXTURES}quantized.gguf`;

Deno.test("Gguf reads every type of tensor as the Python package gguf does, bit for bit", async () => {
  using fromFile = await Gguf.open(FILE);
  using fromBytes = Gguf.fromBytes(await Deno.readFile(FILE));
  using expected = await Safetensors.open(`${FIXTURES}dequantized.safetensors`);
  const bits = (floats: Float32Array) => new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  for (const file of [fromFile, fromBytes]) {
    for (const name of expected.tensors.keys()) {
      if (name === "numbers") continue;
      assertEquals(bits(file.readFloats(name)), bits(expected.readFloats(name)), name);
      assertEquals(file.tensors.get(name)?.shape, expected.tensors.get(name)?.shape, name);
      assertEquals(file.readBytes(name).length, file.tensors.get(name)?.byteLength, name);
    }
  }
  assertEquals(fromFile.tensors.size, expected.tensors.size - 1 + 2);
  assertThrows(() => fromFile.readFloats("Q2_K"), UserError, 'got tensor "Q2_K" of Q2_K, must be F32, F16, BF16');
  assertThrows(() => fromFile.readFloats("I32"), UserError, 'got tensor "I32" of I32, must be F32');
  assertThrows(() => fromFile.readFloats("none"), UserError, 'got no tensor "none" in it');
});

Deno.test("Gguf reads every type of value, and names a key that is missing or of another type", async () => {
  using file = await Gguf.open(FILE);
  const { metadata } = file;
  assertEquals(file.version, 3);
  assertEquals([...metadata.values].slice(1), [
    ["a.uint8", { type: "uint8", value: 255 }],
    ["a.int8", { type: "int8", value: -128 }],
    ["a.uint16", { type: "uint16", value: 65535 }],
    ["a.int16", { type: "int16", value: -32768 }],
    ["a.uint32", { type: "uint32", value: 2 ** 32 - 1 }],
    ["a.int32", { type: "int32", value: -(2 ** 31) }],
    ["a.float32", { type: "float32", value: Math.fround(1e-5) }],
    ["a.bool", { type: "bool", value: true }],
    ["a.string", { type: "string", value: "\ufeffGrüße, 世界 \0 end" }],
    ["a.uint64", { type: "uint64", value: 2n ** 64n - 1n }],
    ["a.int64", { type: "int64", value: -(2n ** 63n) }],
    ["a.float64", { type: "float64", value: 0.1 }],
    ["a.strings", { type: "array", of: "string", value: ["", "Ġthe", "x".repeat(70_000)] }],
    ["a.numbers", { type: "array", of: "int32", value: Int32Array.of(1, -2, 3) }],
    ["a.floats", { type: "array", of: "float32", value: Float32Array.of(0.5, -1.5) }],
    ["a.booleans", { type: "array", of: "bool", value: [true, false, true] }],
  ]);
  assertEquals(metadata.string("general.architecture"), "test");
  assertEquals(metadata.integer("a.uint16"), 65535);
  assertEquals(metadata.number("a.float64"), 0.1);
  assertEquals(metadata.boolean("a.bool"), true);
  assertEquals(metadata.strings("a.strings").length, 3);
  assertEquals([...Array.from(metadata.numbers("a.numbers"))], [1, -2, 3]);
  assertEquals(metadata.integerOrNone("none"), undefined);
  assertThrows(() => metadata.string("none"), UserError, `Cannot read ${FILE}: got no "none", must be a text`);
  assertThrows(() => metadata.string("a.uint8"), UserError, 'got "a.uint8" 255 (uint8), must be a text');
  assertThrows(() => metadata.integer("a.float32"), UserError, "must be a whole number from 0 on");
  assertThrows(() => metadata.integer("a.int8"), UserError, 'got "a.int8" -128 (int8)');
  assertThrows(() => metadata.integer("a.uint64"), UserError, "must be below 2^53");
  assertThrows(() => metadata.strings("a.numbers"), UserError, '"a.numbers" (3 × int32), must be a list of texts');
  assertThrows(() => metadata.numbers("a.strings"), UserError, "must be a list of numbers");
  assertThrows(() => metadata.boolean("a.uint8"), UserError, "must be true or false");
});

Deno.test("Gguf reads versions 2 and 3, an alignment, and tensors in any order with gaps between", () => {
  const values = (start: number) => bytesOf(...[0, 1, 2, 3].map((i) => new Float32Array([start + i])));
  for (const version of [2, 3]) {
    const file = Gguf.fromBytes(ggufOf({
      version,
      metadata: [[string("general.alignment"), u32(4), u32(8)]],
      tensors: [tensor("b", [2, 2], 0, 24), tensor("a", [4], 0, 0)],
      data: bytesOf(values(10), new Uint8Array(8), values(20)),
      alignment: 8,
    }));
    assertEquals([...file.readFloats("a")], [10, 11, 12, 13]);
    assertEquals([...file.readFloats("b")], [20, 21, 22, 23]);
    assertEquals([...file.tensors.keys()], ["b", "a"]);
  }
});

Deno.test("Gguf says what is wrong with a file that cannot be used", async () => {
  const value = (type: number, ...bytes: Uint8Array[]) => [[string("key"), u32(type), ...bytes]];
  const one = (dimensions: readonly number[], type = 0, offset = 0) => [tensor("t", dimensions, type, offset)];
  const data = new Uint8Array(64);
  const nested = [u32(9), u64(1), u32(9), u64(1), u32(9), u64(1), u32(9), u64(1), u32(0), u64(0)];
  const cases: [string, Uint8Array, string][] = [
    ["empty", new Uint8Array(), "a file of 0 bytes, must be a GGUF file, at least 24 bytes long"],
    [
      "text",
      new TextEncoder().encode("First Citizen: Before we proceed"),
      "another format, must be a GGUF file, which",
    ],
    ["version 1", ggufOf({ version: 1 }), "version 1 of GGUF, must be version 2 or 3"],
    ["big-endian", ggufOf({ version: 3 << 24 }), "a big-endian GGUF file, must be a little-endian one"],
    ["tensors", ggufOf({ numTensors: 2 ** 40 }), "with 1099511627776 tensors from byte"],
    ["values", ggufOf({ numValues: 1000 }), "with 1000 metadata values from byte"],
    ["key", ggufOf({ metadata: [[u64(2 ** 50), new Uint8Array(9)]] }), "bytes of key 0"],
    ["no key", ggufOf({ metadata: [[string(""), u32(0), new Uint8Array(1)]] }), "a key of 0 characters"],
    ["type", ggufOf({ metadata: value(13, u32(0)) }), '"key" of type 13, must be a type from 0 to 12'],
    ["twice", ggufOf({ metadata: [...value(4, u32(0)), ...value(4, u32(0))] }), 'the key "key" twice'],
    ["array", ggufOf({ metadata: value(9, u32(12), u64(2 ** 33)) }), '8589934592 values of "key" from byte'],
    ["nested", ggufOf({ metadata: value(9, ...nested) }), "more than 4 arrays in each other"],
    ["boolean", ggufOf({ metadata: value(7, Uint8Array.of(2)) }), '"key" with 2 for true or false, must be 0 or 1'],
    ["not UTF-8", ggufOf({ metadata: value(8, u64(1), Uint8Array.of(0xff)) }), "bytes that are not UTF-8 in the value"],
    ["alignment", ggufOf({ metadata: [[string("general.alignment"), u32(4), u32(24)]] }), "a power of two (uint32)"],
    [
      "alignment 0",
      ggufOf({ metadata: [[string("general.alignment"), u32(4), u32(0)]] }),
      "general.alignment 0 (uint32)",
    ],
    ["dimensions", ggufOf({ tensors: one([1, 1, 1, 1, 1]), data }), 'tensor "t" of 5 dimensions, must be at most 4'],
    ["huge", ggufOf({ tensors: one([2 ** 40, 2 ** 40]), data }), "must be a shape that a file can hold"],
    [
      "rows",
      ggufOf({ tensors: one([3, 33], 8), data }),
      "Q8_0 (3, 33), must be a shape that a file can hold with rows of",
    ],
    [
      "unaligned",
      ggufOf({ tensors: one([1], 0, 4), data }),
      "of F32 (1) at offset 4, must be an offset that is a multiple",
    ],
    ["outside", ggufOf({ tensors: one([1], 0, 64), data }), "a whole GGUF file, not a truncated one"],
    ["truncated", ggufOf({ tensors: one([17]), data }), "a whole GGUF file, not a truncated one"],
    ["same name", ggufOf({ tensors: [...one([1]), ...one([1], 0, 32)], data }), 'tensor "t" twice'],
    [
      "overlap",
      ggufOf({ tensors: [tensor("a", [9], 0, 0), tensor("b", [1], 0, 32)], data }),
      'tensor "b", which overlaps "a"',
    ],
  ];
  for (const [name, bytes, message] of cases) {
    const error = assertThrows(() => Gguf.fromBytes(bytes, "model"), UserError, message, name);
    assertEquals(error.message.startsWith("Cannot read model: got "), true, name);
  }
  await assertRejects(() => Gguf.open("/nowhere.gguf"), UserError, "Cannot read /nowhere.gguf: got no such file");
});

Deno.test("Gguf opens a file with a tensor of a type that it does not know, and refuses only that tensor", () => {
  const file = Gguf.fromBytes(
    ggufOf({ tensors: [tensor("new", [8], 99, 0), tensor("t", [1], 0, 32)], data: new Uint8Array(64) }),
  );
  assertEquals([...file.readFloats("t")], [0]);
  assertThrows(() => file.readFloats("new"), UserError, 'tensor "new" of type 99');
});

Deno.test("Gguf refuses a file that is cut off, wherever that is", async () => {
  const bytes = await Deno.readFile(FILE);
  const whole = Gguf.fromBytes(bytes);
  const end = Math.max(...[...whole.tensors.values()].map(({ byteOffset, byteLength = 0 }) => byteOffset + byteLength));
  const start = Math.min(...[...whole.tensors.values()].map(({ byteOffset }) => byteOffset));
  // All lengths within the header's numbers and texts, but not every byte of the long text.
  for (let length = 0; length < end; length += length < 1500 || length > start - 2000 ? 1 : 997) {
    const error = assertThrows(() => Gguf.fromBytes(bytes.subarray(0, length)), UserError);
    assertEquals(/^Cannot read bytes: got \P{Cc}+, must be \P{Cc}+$/u.test(error.message), true, error.message);
  }
  assertEquals(Gguf.fromBytes(bytes.subarray(0, end)).tensors.size, whole.tensors.size);
});

/** A small file with some of everything, to change bytes of. */
function smallFile(): Uint8Array {
  return ggufOf({
    metadata: [
      [string("general.alignment"), u32(4), u32(32)],
      [string("texts"), u32(9), u32(8), u64(2), string("a"), string("bc")],
      [string("numbers"), u32(9), u32(5), u64(3), u32(1), u32(2), u32(3)],
      [string("big"), u32(10), u64(7)],
    ],
    tensors: [tensor("a", [4, 2], 0, 0), tensor("b", [1, 32], 8, 32), tensor("c", [3], 30, 96)],
    data: new Uint8Array(102).fill(1),
  });
}

/** Opens bytes and reads all that can be read; whatever they are, the only error is one for people. */
function readAll(bytes: Uint8Array): void {
  try {
    const file = Gguf.fromBytes(bytes);
    for (const name of file.tensors.keys()) file.readFloats(name);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    assertEquals(error.message.length < 600 && !/\p{Cc}/u.test(error.message), true, error.message.slice(0, 600));
  }
}

Deno.test("Gguf takes any bytes, or refuses them in one short line", () => {
  const small = smallFile();
  const start = small.subarray(0, 24);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
    readAll(bytes);
    readAll(bytesOf(start, bytes));
  }));
  const change = fc.record({
    at: fc.nat(small.length - 1),
    bytes: fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 8 }), fc.constant(new Uint8Array(8).fill(0xff))),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const mutated = small.slice();
      for (const { at, bytes } of changes) mutated.set(bytes.subarray(0, mutated.length - at), at);
      readAll(mutated);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("Gguf never reads more than the file holds, whatever its lengths say", () => {
  const small = smallFile();
  // Every place in the header where a length, count or offset may stand gets huge ones.
  for (let at = 8; at < small.length - 8; at++) {
    for (const size of [2 ** 31, 2 ** 32 - 1, 2 ** 40, 2 ** 62]) {
      const mutated = small.slice();
      mutated.set(u64(size), at);
      const before = Deno.memoryUsage().external;
      readAll(mutated);
      assertEquals(Deno.memoryUsage().external - before < 1 << 24, true, `${size} at byte ${at}`);
    }
  }
});
