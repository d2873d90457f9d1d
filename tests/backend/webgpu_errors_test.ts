import { assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import type { WgslKernel } from "../../kernels/wgsl/dispatch.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { copy, copyKernel } from "../../lib/graph/copy.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { defineKernel } from "../../lib/graph/kernel.ts";
import { plan } from "../../lib/graph/plan.ts";
import { Program, wholeOf } from "../../lib/graph/program.ts";
import { DeviceStorage, Tensor } from "../../lib/graph/tensor.ts";
import { meanForward } from "../../lib/ops/cross_entropy.ts";
import { gpuTest } from "../harness/gpu.ts";

function stored(name: string, size: number): Tensor {
  return new Tensor(name, [size], { placement: { storage: new DeviceStorage(name, 4 * size), byteOffset: 0 } });
}

/** A program that copies four elements. */
function copyProgram(): Program {
  const graph = new Graph();
  copy(graph, stored("x", 4), stored("y", 4), false);
  return plan(graph);
}

/** A kernel `copy` with this source. */
function copyFrom(source: string): ReadonlyMap<string, WgslKernel> {
  return new Map([["copy", () => ({ dispatches: [{ label: "copy", source, workgroups: 1 }] })]]);
}

gpuTest("webgpu: a kernel that does not compile is named, with line, column and text", async () => {
  const source = "@compute @workgroup_size(1)\nfn main() {\n  let x = nonsense;\n}\n";
  await using backend = await createWebGpuBackend({ kernels: copyFrom(source) });
  const { message } = await assertRejects(() => backend.load(copyProgram()), Error, "Cannot compile kernel copy");
  assertStringIncludes(message, "line 3, column 11");
  assertStringIncludes(message, "  let x = nonsense;\n            ^");
});

gpuTest("webgpu: a kernel whose bindings do not fit is named", async () => {
  const source = "@group(0) @binding(9) var<storage, read_write> x: array<f32>;\n" +
    "@compute @workgroup_size(1)\nfn main() {\n  x[0] = 1.0;\n}\n";
  await using backend = await createWebGpuBackend({ kernels: copyFrom(source) });
  await assertRejects(() => backend.load(copyProgram()), Error, "Cannot compile kernel copy");
});

gpuTest("webgpu: a kernel that does not exist is named", async () => {
  await using backend = await createWebGpuBackend();
  const kernel = defineKernel({ name: "no_such_kernel", inputs: [], outputs: ["y"], constants: {} });
  const calls = [{ kernel, views: [wholeOf(new DeviceStorage("y", 4))], constants: [] }];
  const program = new Program({ calls, inputs: undefined, scratch: [], placements: new Map() });
  await assertRejects(() => backend.load(program), Error, "no_such_kernel");
});

gpuTest("webgpu: a call that reads and writes one storage is refused by name", async () => {
  await using backend = await createWebGpuBackend();
  const storage = new DeviceStorage("gradients", 512);
  const view = (byteOffset: number) => ({ storage, byteOffset, size: 4, dtype: "f32" as const });
  const calls = [{ kernel: copyKernel, views: [view(0), view(256)], constants: [4, 0] }];
  const program = new Program({ calls, inputs: undefined, scratch: [], placements: new Map() });
  await assertRejects(() => backend.load(program), Error, 'copy: it reads and writes storage "gradients"');
});

gpuTest("webgpu: arrays and storages that are too large for the adapter are named, with the limit", async () => {
  await using backend = await createWebGpuBackend();
  const { maxStorageBufferBindingSize, maxBufferSize } = backend.device.limits;
  const size = maxStorageBufferBindingSize / 4 + 1;
  const graph = new Graph();
  // The mean is taken by one workgroup, which must see the whole array.
  const [x, y] = [stored("x", size), stored("mean", 1)];
  graph.call(meanForward, { inputs: { x }, outputs: { y }, constants: { n: size } });
  const wide = plan(graph);
  await assertRejects(() => backend.load(wide), Error, 'in storage "x", must be at most this adapter');
  const storage = new DeviceStorage("huge", 4 * Math.ceil((maxBufferSize + 1) / 4));
  const views = [{ storage, byteOffset: 0, size: 4, dtype: "f32" as const }, wholeOf(new DeviceStorage("y", 16))];
  const calls = [{ kernel: copyKernel, views, constants: [4, 0] }];
  const program = new Program({ calls, inputs: undefined, scratch: [], placements: new Map() });
  await assertRejects(() => backend.load(program), Error, 'Cannot allocate storage "huge"');
});

gpuTest("webgpu: after a lost device every call rejects with one message that names the program", async () => {
  await using backend = await createWebGpuBackend();
  const program = copyProgram();
  const executable = await backend.load(program);
  await executable.run();
  backend.device.destroy();
  await backend.device.lost;
  const lost = "Cannot compute on the GPU: the device was lost after the program copy";
  await assertRejects(() => executable.run(), Error, lost);
  await assertRejects(() => backend.read(wholeOf(program.storages[0])), Error, lost);
  await assertRejects(() => backend.load(copyProgram()), Error, lost);
  assertThrows(() => backend.write(wholeOf(program.storages[0]), new Float32Array(4)), Error, lost);
});

gpuTest("webgpu: an error that nothing else catches rejects the next run", async () => {
  await using backend = await createWebGpuBackend();
  const executable = await backend.load(copyProgram());
  await executable.run();
  const event = new Promise((resolve) => backend.device.addEventListener("uncapturederror", resolve, { once: true }));
  backend.device.createBuffer({ size: 3, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
  await event;
  await assertRejects(() => executable.run(), Error, "Cannot compute on the GPU: an error after the program copy");
});
