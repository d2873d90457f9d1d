import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { OptionError } from "../../lib/errors.ts";
import { TensorOptimizer, type TensorOptimizerOptions } from "../../lib/train/tensor_optimizer.ts";
import { forEachDevice } from "../harness/backends.ts";

forEachDevice("disposed of, it leaves no memory, and cannot be used", async (backend) => {
  const before = backend.bytesInUse;
  const optimizer = await TensorOptimizer.create(backend, { tensors: { w: { shape: [300] } } });
  assert(backend.bytesInUse >= before + 4 * 4 * 300);
  const [tensor] = optimizer.tensors.values();
  assert(tensor.requiresGrad && tensor.placement !== undefined);
  optimizer[Symbol.dispose]();
  optimizer[Symbol.dispose]();
  assertEquals(backend.bytesInUse, before);
  const disposed = "Cannot use an optimizer: it was disposed of";
  assertThrows(() => optimizer.tensors, Error, disposed);
  assertThrows(() => optimizer.gradients, Error, disposed);
  assertThrows(() => optimizer.tensor("w"), Error, disposed);
  assertThrows(() => optimizer.setGradients({}), Error, disposed);
  assertThrows(() => optimizer.write("w", new Float32Array(300)), Error, disposed);
  const path = "never-written.safetensors";
  const uses = [
    () => optimizer.step(1),
    () => optimizer.read("w"),
    () => optimizer.save(path),
    () => optimizer.load(path),
  ];
  for (const use of uses) await assertRejects(use, Error, disposed);
});

Deno.test("what cannot be optimized is refused by name, and takes no memory", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  const before = backend.bytesInUse;
  const w = { shape: [2], values: [1, 2] };
  const refused = async (options: TensorOptimizerOptions, says: string) => {
    const { message } = await assertRejects(() => TensorOptimizer.create(backend, options), RangeError);
    assertStringIncludes(message, says);
    assertEquals(backend.bytesInUse, before);
  };
  await refused({ tensors: {} }, "Cannot optimize tensors: got none, must be one or more");
  await refused({ tensors: { "": w } }, 'got the name "", must not be empty');
  await refused({ tensors: { "optimizer.w": w } }, 'got the name "optimizer.w", must not be empty nor begin with');
  await refused({ tensors: { w: { shape: [] } } }, 'Cannot make tensor "w": got shape ()');
  await refused({ tensors: { v: w, w: { shape: [2, -1] } } }, 'Cannot make tensor "w": got shape (2, -1)');
  await refused({ tensors: { w: { ...w, values: [1] } } }, "Cannot write w (2): got 1 values, must be 2");
  await refused({ tensors: { w: { ...w, values: [1, NaN] } } }, "Cannot write w (2): got NaN at 1, must be finite");
  await refused({ tensors: { w: { ...w, values: [1e39, 0] } } }, "got 1e+39 at 0, must be finite as a float32");
  for (const maxGradNorm of [-1, NaN, Infinity]) {
    await refused({ tensors: { w }, maxGradNorm }, `got maxGradNorm ${maxGradNorm}, must be 0 for no clipping, or`);
  }
  await refused({ tensors: { w }, optimizer: { beta1: 1 } }, "got beta1 1, must be");
  await refused({ tensors: { w }, optimizer: [{ parameters: ["v"] }] }, 'got "v", which');

  using optimizer = await TensorOptimizer.create(backend, { tensors: { w } });
  const fails = (use: () => void, says: string) => assertStringIncludes(assertThrows(use, OptionError).message, says);
  fails(() => optimizer.tensor("v"), 'Cannot find tensor "v": must be one of w');
  fails(() => optimizer.setGradients({ w: [3, 3], v: [1] }), 'Cannot find tensor "v"');
  fails(() => optimizer.setGradients({ w: [1, 2, 3] }), "Cannot write the gradient of w (2): got 3 values, must be 2");
  fails(() => optimizer.write("w", [1, Infinity]), "got Infinity at 1");
  for (const lr of [-1, NaN, 1e39]) {
    await assertRejects(() => optimizer.step(lr), OptionError, `got learning rate ${lr}, must be a finite float32`);
  }
  await assertRejects(() => optimizer.read("v"), OptionError, "must be one of w");
  // None of that wrote anything: no gradient, and so no step but the decay's, of a rate of 0 here.
  assertEquals(await optimizer.step(0), { gradNorm: 0 });
  assertEquals([optimizer.updates, await optimizer.read("w")], [1, Float32Array.of(1, 2)]);
  const both = await Promise.allSettled([optimizer.step(0), optimizer.step(0)]);
  assertEquals(both.map(({ status }) => status), ["fulfilled", "rejected"]);
});
