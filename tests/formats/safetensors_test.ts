import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { Safetensors, type TensorToWrite, writeSafetensors } from "../../lib/formats/safetensors.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const FIXTURE = new URL("../fixtures/torch/linear.safetensors", import.meta.url).pathname;

/** A file's bytes from a header and as many data bytes as wanted, built here rather than by the code under test. */
function fileOf(header: unknown, dataBytes: number, length?: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.byteLength + dataBytes);
  new DataView(bytes.buffer).setUint32(0, length ?? json.byteLength, true);
  bytes.set(json, 8);
  return bytes;
}

Deno.test("Safetensors reads what Python's safetensors wrote, from a file and from bytes", async () => {
  using fromFile = await Safetensors.open(FIXTURE);
  using fromBytes = Safetensors.fromBytes(await Deno.readFile(FIXTURE));
  for (const file of [fromFile, fromBytes]) {
    assertEquals([...file.tensors.keys()].sort(), ["d_weight", "d_x", "dy", "weight", "x", "y"]);
    assertEquals(file.tensors.get("weight")?.shape, [96, 32]);
    const [x, weight, y] = ["x", "weight", "y"].map((name) => file.readFloats(name));
    // The file holds y = x Wᵀ, so its own numbers say whether each tensor was found in its place.
    let dot = 0;
    for (let i = 0; i < 32; i++) dot += x[31 * 32 + i] * weight[95 * 32 + i];
    assertEquals(Math.abs(dot - y[31 * 96 + 95]) < 1e-5, true);
  }
});

Deno.test("writeSafetensors() writes what Safetensors reads: types, shapes, metadata, lazy data", () =>
  inTemporaryDirectory(async (dir) => {
    const path = `${dir}/weights.safetensors`;
    await Deno.writeTextFile(path, "an older file");
    const tensors: TensorToWrite[] = [
      { name: "a", dtype: "F32", shape: [2, 3], data: Float32Array.of(1, -2, NaN, Infinity, -0, 1e-40) },
      { name: "ids", dtype: "U32", shape: [2], data: () => Promise.resolve(Uint32Array.of(0, 2 ** 32 - 1)) },
      { name: "scalar ü", dtype: "I32", shape: [], data: Int32Array.of(7) },
      { name: "empty", dtype: "F32", shape: [0, 4], data: new Float32Array() },
    ];
    await writeSafetensors(path, tensors, { step: "12", note: 'quoted "ü"' });
    using file = await Safetensors.open(path);
    assertEquals(file.metadata, { step: "12", note: 'quoted "ü"' });
    assertEquals([...file.tensors.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape })), [
      { name: "a", dtype: "F32", shape: [2, 3] },
      { name: "ids", dtype: "U32", shape: [2] },
      { name: "scalar ü", dtype: "I32", shape: [] },
      { name: "empty", dtype: "F32", shape: [0, 4] },
    ]);
    assertEquals(file.tensors.get("a")!.byteOffset % 8, 0);
    assertEquals(file.readFloats("a"), Float32Array.of(1, -2, NaN, Infinity, -0, 1e-40));
    assertEquals(file.readIntegers("ids"), Uint32Array.of(0, 2 ** 32 - 1));
    assertEquals(file.readIntegers("scalar ü"), Uint32Array.of(7));
    assertEquals(file.readFloats("empty").length, 0);
    assertEquals(Array.from(Deno.readDirSync(dir), (entry) => entry.name), ["weights.safetensors"]);
  }));

Deno.test("writeSafetensors() that fails leaves the file that was there, and nothing else", () =>
  inTemporaryDirectory(async (dir) => {
    const path = `${dir}/weights.safetensors`;
    await Deno.writeTextFile(path, "an older file");
    const good: TensorToWrite = { name: "a", dtype: "F32", shape: [1], data: Float32Array.of(1) };
    const failures: [TensorToWrite[], string][] = [
      [[good, { ...good, name: "b", shape: [2] }], 'tensor "b": got 1 elements of Float32Array, must be F32 (2)'],
      [[good, { ...good, name: "b", dtype: "I32" }], 'tensor "b": got 1 elements of Float32Array, must be I32 (1)'],
      [[good, good], 'the name "a"'],
      [[{ ...good, name: "__metadata__" }], 'the name "__metadata__"'],
    ];
    for (const [tensors, message] of failures) {
      await assertRejects(() => writeSafetensors(path, tensors), RangeError, message);
    }
    const lost = () => Promise.reject(new Error("device lost"));
    await assertRejects(() => writeSafetensors(path, [good, { ...good, name: "b", data: lost }]), Error, "device lost");
    assertEquals(await Deno.readTextFile(path), "an older file");
    assertEquals(Array.from(Deno.readDirSync(dir), (entry) => entry.name), ["weights.safetensors"]);
  }));

Deno.test("Safetensors widens F16 and BF16 exactly", () => {
  const header = {
    half: { dtype: "F16", shape: [4], data_offsets: [0, 8] },
    brain: { dtype: "BF16", shape: [3], data_offsets: [8, 14] },
  };
  const bytes = fileOf(header, 14);
  // 1, −2, the smallest subnormal 2⁻²⁴, +∞ (IEEE 754 binary16); 1, −3.140625, NaN (the upper half of a binary32).
  const words = [0x3c00, 0xc000, 0x0001, 0x7c00, 0x3f80, 0xc049, 0x7fc0];
  const view = new DataView(bytes.buffer, bytes.byteLength - 14);
  words.forEach((word, i) => view.setUint16(2 * i, word, true));
  const file = Safetensors.fromBytes(bytes);
  assertEquals([...file.readFloats("half")], [1, -2, 2 ** -24, Infinity]);
  assertEquals([...file.readFloats("brain")], [1, -3.140625, NaN]);
});

Deno.test("Safetensors says what is wrong with a file that cannot be used", async () => {
  const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
    dtype: "F32",
    shape,
    data_offsets: [begin, end],
  });
  const cases: [string, Uint8Array, string][] = [
    ["empty", new Uint8Array(), "a file of 0 bytes, must be at least 8 bytes long"],
    ["text", new TextEncoder().encode("First Citizen: Before we proceed"), "a header length that no such file has"],
    ["header cut off", fileOf({ a: f32(0, 4) }, 4).slice(0, 20), "not a truncated one"],
    ["header too long for the file", fileOf({}, 0, 1000), "10 bytes with a header of 1000"],
    ["not JSON", fileOf("{nonsense", 0), "a header that is not a JSON object"],
    ["an array", fileOf("[]", 0), "a header that is not a JSON object"],
    ["not UTF-8", fileOf("{}  ", 0).fill(0xff, 8), "a header that is not a JSON object"],
    ["data cut off", fileOf({ a: f32(0, 8) }, 4), "bytes long by its own header, not a truncated file"],
    ["data left over", fileOf({ a: f32(0, 4) }, 8), "bytes long by its own header"],
    ["overlap", fileOf({ a: f32(0, 8), b: f32(4, 12) }, 12), 'tensor "b", which overlaps the one before'],
    ["gap", fileOf({ a: f32(0, 4), b: f32(8, 12) }, 12), 'tensor "b", which leaves a gap'],
    ["size", fileOf({ a: f32(0, 8, [3]) }, 8), 'tensor "a" of F32 (3) from byte 0 to 8, must be 12 bytes long'],
    ["negative size", fileOf({ a: f32(0, 8, [-2]) }, 8), 'tensor "a" without dtype, shape and data_offsets'],
    ["no shape", fileOf({ a: { dtype: "F32", data_offsets: [0, 4] } }, 4), "without dtype, shape and data_offsets"],
    ["metadata", fileOf({ __metadata__: { step: 1 } }, 0), "metadata that is not text by key"],
  ];
  for (const [name, bytes, message] of cases) {
    const error = assertThrows(() => Safetensors.fromBytes(bytes, "weights"), UserError, message, name);
    assertEquals(error.message.startsWith("Cannot read weights: got "), true, name);
  }
  await assertRejects(() => Safetensors.open("/nowhere.safetensors"), UserError, "Cannot read /nowhere.safetensors");
});

Deno.test("Safetensors names a tensor that is missing, of another type, or negative", () => {
  const entry = (dtype: string, begin: number, end: number) => ({ dtype, shape: [1], data_offsets: [begin, end] });
  const bytes = fileOf({ i: entry("I32", 0, 4), d: entry("F64", 4, 12) }, 12);
  bytes.fill(0xff, bytes.byteLength - 12);
  const file = Safetensors.fromBytes(bytes);
  assertThrows(() => file.readFloats("x"), UserError, 'got no tensor "x"');
  assertThrows(() => file.readFloats("i"), UserError, 'tensor "i" of type I32, must be F32, F16 or BF16');
  assertThrows(() => file.readFloats("d"), UserError, "of type F64");
  assertThrows(() => file.readIntegers("d"), UserError, "of type F64, must be U32 or I32");
  assertThrows(() => file.readIntegers("i"), UserError, 'tensor "i" with a negative value');
});

Deno.test("Safetensors takes any header, or refuses it in one short line", () => {
  const long = `${"\u001b[2J\n".repeat(5000)}`;
  const tensor = { dtype: "F32", shape: [1], data_offsets: [0, 4] };
  const hostile: unknown[] = [
    "[".repeat(200_000),
    `{"a":${"[".repeat(200_000)}`,
    { [long]: { ...tensor, data_offsets: [1, 5] } },
    { [long]: null },
    { a: { ...tensor, dtype: long, shape: [4, 4] }, b: tensor },
    { a: { ...tensor, shape: Array.from({ length: 50_000 }, () => 1e6) } },
    { a: { ...tensor, shape: [2 ** 53 - 1, 2 ** 53 - 1] } },
    { __metadata__: { [long]: 1 } },
  ];
  for (const header of hostile) {
    const { message } = assertThrows(() => Safetensors.fromBytes(fileOf(header, 4)), UserError);
    assertEquals(
      /^Cannot read bytes: got \P{Cc}+, must be \P{Cc}+$/u.test(message),
      true,
      message.slice(0, 500),
    );
    assertEquals(message.length < 500, true, `${message.length} characters`);
  }
  // A type that the format may have one day is no reason to refuse the others, until it is asked for.
  const file = Safetensors.fromBytes(fileOf({ [long]: { ...tensor, dtype: long } }, 4));
  const { message } = assertThrows(() => file.readFloats(long), UserError);
  assertEquals(message.length < 500 && !/\p{Cc}/u.test(message), true, message.slice(0, 500));
});
