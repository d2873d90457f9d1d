import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { defineKernel } from "../../lib/graph/kernel.ts";
import { plan } from "../../lib/graph/plan.ts";
import { DeviceStorage, Tensor } from "../../lib/graph/tensor.ts";
import { add } from "../../lib/ops/add.ts";
import { swigluBackward } from "../../lib/ops/swiglu.ts";
import { ReferenceBackend } from "./backend.ts";
import { ReferenceMemory } from "./memory.ts";

const at = (storage: DeviceStorage, byteOffset: number, name = "t") =>
  new Tensor(name, [4], { placement: { storage, byteOffset } });

Deno.test("ReferenceBackend refuses what WebGPU forbids: a storage read and written, a place written twice", async () => {
  const storage = new DeviceStorage("s", 1024);
  const other = new DeviceStorage("o", 1024);
  const call = (dGate: Tensor, dUp: Tensor) => {
    const graph = new Graph();
    const [gate, up, dY] = [at(other, 0, "gate"), at(other, 256, "up"), at(other, 512, "dY")];
    const constants = { n: 4, accumulateGate: 0, accumulateUp: 0 };
    graph.call(swigluBackward, { inputs: { gate, up, dY }, outputs: { dGate, dUp }, constants });
    return new ReferenceBackend().load(plan(graph));
  };
  await call(at(storage, 0), at(storage, 256));
  await assertRejects(() => call(at(storage, 0), at(other, 768)), Error, "got gate and dUp in one storage");
  await assertRejects(() => call(at(storage, 0), at(storage, 12)), Error, "dGate in one place");
});

Deno.test("ReferenceBackend names a kernel without reference loops, and storages that were never loaded", async () => {
  const backend = new ReferenceBackend();
  const storage = new DeviceStorage("s", 256);
  const graph = new Graph();
  const kernel = defineKernel({ name: "unheard of", inputs: [], outputs: ["y"], constants: {} });
  graph.call(kernel, { inputs: {}, outputs: { y: at(storage, 0) }, constants: {} });
  const view = { storage, byteOffset: 0, size: 1, dtype: "f32" } as const;
  assertThrows(() => backend.write(view, Float32Array.of(1)), RangeError, 'storage "s": it was never loaded');
  const executable = await backend.load(plan(graph));
  await assertRejects(() => executable.run(), Error, "Cannot run unheard of");
  assertThrows(() => backend.write(view, Float32Array.of(1, 2)), RangeError, "got 2 elements, must be 1");
});

Deno.test("ReferenceBackend shares a storage between programs, zeroed at first, and keeps float64 between kernels", async () => {
  const backend = new ReferenceBackend();
  const storage = new DeviceStorage("sum", 256);
  const sum = at(storage, 0);
  const programs = [0, 1].map((i) => {
    const graph = new Graph();
    const x = graph.input("x", [4]);
    const y = i === 0 ? add(graph, x, x) : add(graph, sum, x);
    graph.call(
      defineKernel({ name: "copy", inputs: ["x"], outputs: ["y"], constants: { n: "u32", accumulate: "u32" } }),
      { inputs: { x: y }, outputs: { y: sum }, constants: { n: 4, accumulate: 0 } },
    );
    return { program: plan(graph), x };
  });
  for (const { program, x } of programs) {
    const executable = await backend.load(program);
    if (x === programs[0].x) assertEquals([...await backend.read(program.view(sum))], [0, 0, 0, 0]);
    backend.values(program.view(x)).set([0.1, 1e-20, 1, 2]);
    await executable.run();
  }
  assertEquals([...backend.values(programs[1].program.view(sum))], [0.1 * 2 + 0.1, 2e-20 + 1e-20, 3, 6]);
});

Deno.test("ReferenceMemory reads as integers the bits that were written, or those of a value computed since", () => {
  const memory = new ReferenceMemory(16);
  const view = { storage: new DeviceStorage("s", 16), byteOffset: 0, size: 4, dtype: "u32" } as const;
  const nan = 0x7fc0bad1;
  memory.write(view, Uint32Array.of(5, nan, 0x3f800000, 0x80000000));
  assertEquals([...memory.values(view)], [5 * 2 ** -149, NaN, 1, -0]);
  memory.values(view)[2] = -2;
  assertEquals([...memory.bits(view)], [5, nan, 0xc0000000, 0x80000000]);
});
