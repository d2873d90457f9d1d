import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { Gguf } from "../../lib/formats/gguf/gguf.ts";
import { type GgufTensorToWrite, type GgufValue, writeGguf } from "../../lib/formats/gguf/write_gguf.ts";
import { Safetensors } from "../../lib/formats/safetensors.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const FIXTURES = new URL("../fixtures/gguf/", import.meta.url).pathname;

Deno.test("writeGguf() writes what Gguf reads: values of every type in order, shapes, lazy data", () =>
  inTemporaryDirectory(async (dir) => {
    const path = `${dir}/model.gguf`;
    using other = await Gguf.open(`${FIXTURES}quantized.gguf`);
    const metadata: [string, GgufValue][] = [
      ["general.alignment", { type: "uint32", value: 64 }],
      ...other.metadata.values,
      ["nested", { type: "array", of: "array", value: [{ type: "array", of: "uint64", value: [1n, 2n ** 64n - 1n] }] }],
      ["empty", { type: "array", of: "string", value: [] }],
    ];
    const tensors: GgufTensorToWrite[] = [
      { name: "matrix", dtype: "F32", shape: [2, 3], data: Float32Array.of(1, -2, NaN, Infinity, -0, 1e-40) },
      { name: "half", dtype: "F16", shape: [3], data: () => Float32Array.of(1, 2049, -Infinity) },
      { name: "block", dtype: "Q8_0", shape: [1, 2, 32], data: () => Promise.resolve(new Float32Array(64).fill(-127)) },
      { name: "scalar ü", dtype: "F32", shape: [], data: Float32Array.of(7) },
      { name: "none", dtype: "F32", shape: [0, 4], data: new Float32Array() },
    ];
    await writeGguf(path, tensors, metadata);
    using file = await Gguf.open(path);
    assertEquals([...file.metadata.values].slice(0, -2), metadata.slice(0, -2));
    assertEquals(file.metadata.values.get("nested"), {
      type: "array",
      of: "array",
      value: [{ type: "array", of: "uint64", value: BigUint64Array.of(1n, 2n ** 64n - 1n) }],
    });
    assertEquals(
      [...file.tensors.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape })),
      tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    );
    for (const { byteOffset } of file.tensors.values()) assertEquals(byteOffset % 64, 0);
    assertEquals(file.readFloats("matrix"), Float32Array.of(1, -2, NaN, Infinity, -0, 1e-40));
    // 2049 lies between the float16 numbers 2048 and 2050, and goes to the even one.
    assertEquals(file.readFloats("half"), Float32Array.of(1, 2048, -Infinity));
    assertEquals(file.readFloats("block"), new Float32Array(64).fill(-127));
    assertEquals(file.readFloats("scalar ü"), Float32Array.of(7));
    assertEquals(file.readFloats("none").length, 0);
    assertEquals(Array.from(Deno.readDirSync(dir), (entry) => entry.name), ["model.gguf"]);
  }));

Deno.test("writeGguf() makes the blocks of Q8_0 that the Python package gguf makes", () =>
  inTemporaryDirectory(async (dir) => {
    using expected = await Gguf.open(`${FIXTURES}quantized.gguf`);
    using dequantized = await Safetensors.open(`${FIXTURES}dequantized.safetensors`);
    const data = dequantized.readFloats("numbers");
    await writeGguf(`${dir}/q.gguf`, [{ name: "numbers", dtype: "Q8_0", shape: [data.length], data }]);
    using file = await Gguf.open(`${dir}/q.gguf`);
    assertEquals(file.readBytes("numbers"), expected.readBytes("Q8_0 of numbers"));
  }));

Deno.test("writeGguf() writes a tensor of several pieces", () =>
  inTemporaryDirectory(async (dir) => {
    const data = Float32Array.from({ length: (1 << 19) + 64 }, (_, i) => i % 255 - 127);
    for (const dtype of ["F32", "F16", "Q8_0"] as const) {
      await writeGguf(`${dir}/large.gguf`, [{ name: "t", dtype, shape: [data.length / 32, 32], data }]);
      using file = await Gguf.open(`${dir}/large.gguf`);
      const worst = file.readFloats("t").reduce((most, value, i) => Math.max(most, Math.abs(value - data[i])), 0);
      assertEquals(worst <= (dtype === "Q8_0" ? 0.55 : 0), true, `${dtype}: ${worst}`);
    }
  }));

Deno.test("writeGguf() that fails leaves the file that was there, and nothing else", () =>
  inTemporaryDirectory(async (dir) => {
    const path = `${dir}/model.gguf`;
    await Deno.writeTextFile(path, "an older file");
    const good: GgufTensorToWrite = { name: "a", dtype: "F32", shape: [1], data: Float32Array.of(1) };
    const wrong = (change: Partial<GgufTensorToWrite>) => [good, { ...good, name: "b", ...change }];
    const block = (value: number) => new Float32Array(32).fill(value);
    const failures: [GgufTensorToWrite[], string][] = [
      [wrong({ shape: [2] }), 'tensor "b": got 1 elements of Float32Array, must be 2 of Float32Array, for (2)'],
      [wrong({ name: "a" }), 'the name "a" twice'],
      [wrong({ name: "x".repeat(64) }), "a name of 64 bytes, must be 1 to 63"],
      [wrong({ name: "" }), "a name of 0 bytes"],
      [wrong({ name: "\ud800" }), "half of a surrogate pair"],
      [wrong({ shape: [1, 1, 1, 1, 1] }), "at most 4 dimensions"],
      [wrong({ shape: [-1] }), "F32 (-1)"],
      [wrong({ shape: [0.5] }), "F32 (0.5)"],
      [wrong({ dtype: "Q8_0", shape: [2, 16], data: block(1) }), "rows of a multiple of 32"],
      [wrong({ dtype: "F16", data: Float32Array.of(65520) }), '"b" as F16: got 65520'],
      [wrong({ dtype: "Q8_0", shape: [32], data: block(NaN) }), '"b" as Q8_0: got NaN'],
      [wrong({ dtype: "Q8_0", shape: [32], data: block(1e7) }), '"b" as Q8_0: got 10000000'],
      [wrong({ data: () => Promise.reject(new Error("device lost")) }), "device lost"],
    ];
    for (const [tensors, message] of failures) await assertRejects(() => writeGguf(path, tensors), Error, message);
    await assertRejects(
      () => writeGguf(path, wrong({ dtype: "F16", data: Float32Array.of(1e6) })),
      UserError,
      "1000000",
    );
    const values: [GgufValue, string][] = [
      [{ type: "uint8", value: 256 }, 'Cannot write "key": got 256, must be of type uint8'],
      [{ type: "int32", value: 0.5 }, "got 0.5, must be of type int32"],
      [{ type: "uint64", value: -1n }, "got -1, must be of type uint64"],
      [{ type: "array", of: "uint16", value: [1, 65536] }, "got 65536, must be of type uint16"],
      [{ type: "string", value: "\udfff" }, "half of a surrogate pair"],
    ];
    for (const [value, message] of values) {
      await assertRejects(() => writeGguf(path, [good], [["key", value]]), RangeError, message);
    }
    const twice: [string, GgufValue][] = [["k", { type: "bool", value: true }], ["k", { type: "bool", value: true }]];
    await assertRejects(() => writeGguf(path, [good], twice), RangeError, 'the key "k" twice');
    assertEquals(await Deno.readTextFile(path), "an older file");
    assertEquals(Array.from(Deno.readDirSync(dir), (entry) => entry.name), ["model.gguf"]);
  }));
