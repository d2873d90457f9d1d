import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { Memory } from "../../lib/backend/webgpu/memory.ts";
import { copy } from "../../lib/graph/copy.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { plan } from "../../lib/graph/plan.ts";
import { type Program, wholeOf } from "../../lib/graph/program.ts";
import { DeviceStorage, Tensor, type View } from "../../lib/graph/tensor.ts";
import { gpuTest } from "../harness/gpu.ts";

/** A program that copies one array to another. */
function copyProgram(size: number): { program: Program; from: View; to: View } {
  const graph = new Graph();
  const [x, y] = ["x", "y"].map((name) =>
    new Tensor(name, [size], { placement: { storage: new DeviceStorage(name, 4 * size), byteOffset: 0 } })
  );
  copy(graph, x, y, false);
  return { program: plan(graph), from: wholeOf(x.placement!.storage), to: wholeOf(y.placement!.storage) };
}

gpuTest("webgpu: storages start zeroed, keep what is written, and are shared by identity", async () => {
  await using backend = await createWebGpuBackend();
  const { program, from, to } = copyProgram(3);
  const executable = await backend.load(program);
  assertEquals(await backend.read(from), new Float32Array(3));
  backend.write(from, Float32Array.of(1, 2, 3));
  await executable.run();
  const again = await backend.load(program);
  assertEquals(await backend.read(to), Float32Array.of(1, 2, 3));
  backend.write(from, Float32Array.of(4, 5, 6));
  await again.run();
  assertEquals(await backend.read(to), Float32Array.of(4, 5, 6));
  assertEquals(await backend.read({ ...to, byteOffset: 4, size: 1, dtype: "u32" }), Uint32Array.of(0x40a00000));
});

gpuTest("webgpu: a write or a read out of range is refused, where Deno would abort the process", async () => {
  await using backend = await createWebGpuBackend();
  const { program, from } = copyProgram(4);
  const unknown = wholeOf(new DeviceStorage("never loaded", 16));
  assertThrows(() => backend.write(from, new Float32Array(4)), RangeError, '"x"');
  await backend.load(program);
  const cases: [View, Float32Array, string][] = [
    [from, new Float32Array(3), "got 3 elements, must be 4"],
    [{ ...from, size: 0 }, new Float32Array(0), "got 0 elements"],
    [{ ...from, byteOffset: 4 }, new Float32Array(4), "got 4 elements at byte 4, must lie in 16 bytes"],
    [{ ...from, byteOffset: -4 }, new Float32Array(4), "at byte -4"],
    [unknown, new Float32Array(4), '"never loaded"'],
  ];
  for (const [view, data, message] of cases) assertThrows(() => backend.write(view, data), RangeError, message);
  for (const [view, , message] of cases.slice(1)) {
    await assertRejects(() => backend.read(view), RangeError, message.replace("Cannot write", "Cannot"));
  }
  backend.release(from.storage);
  await assertRejects(() => backend.read(from), RangeError, '"x"');
});

gpuTest("webgpu: transfers larger than a staging buffer arrive whole", async () => {
  await using backend = await createWebGpuBackend();
  const size = 17 * 2 ** 20 + 3;
  const { program, from } = copyProgram(size);
  await backend.load(program);
  const data = Float32Array.from({ length: size }, (_, i) => i % 1009);
  backend.write(from, data);
  const read = await backend.read(from);
  assert(read.every((value, i) => value === data[i]), "what was read is not what was written");
});

gpuTest("webgpu: reads take turns with staging buffers, and reads at one time get one each", async () => {
  await using backend = await createWebGpuBackend();
  const memory = new Memory(backend.device);
  const storage = new DeviceStorage("x", 16);
  await memory.allocate([storage]);
  for (let value = 0; value < 5; value++) {
    memory.write(wholeOf(storage), new Float32Array(4).fill(value));
    assertEquals(await memory.read(wholeOf(storage)), new Float32Array(4).fill(value));
    assertEquals(memory.pooled, 1);
  }
  await Promise.all([1, 2, 3].map(() => memory.read(wholeOf(storage))));
  assertEquals(memory.pooled, 3);
  memory.dispose();
  assertEquals(memory.pooled, 0);
});
