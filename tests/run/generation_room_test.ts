import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { UserError } from "../../lib/errors.ts";
import { TextGenerator } from "../../lib/generate/generator.ts";
import { BatchEngine } from "../../lib/generate/batch_engine.ts";
import { batchBytes, generationBytes } from "../../lib/generate/generation_memory.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { requireRoomToBatch, requireRoomToGenerate } from "../../lib/run/generation_room.ts";

/** TinyLlama's shape, but for its grouped queries: 1.26 billion parameters. */
const LARGE = {
  ...{ vocabSize: 32000, contextLength: 2048, dModel: 2048, numLayers: 22, numHeads: 32, dFf: 5632 },
  ropeTheta: 10000,
};

/** Refuses by its numbers alone: nothing is allocated. */
const LIMITED: Partial<Backend> = { totalBytes: 3.98 * 2 ** 30, description: "a backend" };

Deno.test("a model of a billion parameters has room in int8, and is refused in f32, with the numbers", () => {
  const backend = LIMITED as Backend;
  // 4.70 GiB of weights, and 0.69 of keys and values.
  assertThrows(
    () => requireRoomToGenerate(backend, new Transformer(LARGE)),
    UserError,
    "Cannot generate with this model: got a need for 5.39 GiB of memory with weights in f32, must be at most the " +
      '3.98 GiB that a backend can address. Use weightsDtype: "bf16"',
  );
  for (const weightsDtype of ["bf16", "int8"] as const) {
    requireRoomToGenerate(backend, new Transformer(LARGE, { weightsDtype }));
  }
  const longer = { ...LARGE, contextLength: 6000 };
  assertThrows(
    () => requireRoomToGenerate(backend, new Transformer(longer, { weightsDtype: "bf16" })),
    UserError,
    'with weights in bf16, must be at most the 3.98 GiB that a backend can address. Use weightsDtype: "int8"',
  );
  assertThrows(
    () => requireRoomToGenerate(backend, new Transformer({ ...LARGE, contextLength: 20000 })),
    UserError,
    "can address. Use a smaller model, or one of a shorter context",
  );
});

Deno.test("a generator takes the memory that is predicted", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  const config = {
    vocabSize: 999,
    contextLength: 300,
    dModel: 96,
    numLayers: 2,
    numHeads: 4,
    dFf: 200,
    ropeTheta: 1e4,
  };
  for (const weightsDtype of ["f32", "bf16", "int8"] as const) {
    const model = new Transformer(config, { weightsDtype });
    const before = backend.bytesInUse;
    const generator = await TextGenerator.create(backend, model);
    const taken = backend.bytesInUse - before;
    generator[Symbol.dispose]();
    model.release(backend);
    assertEquals(backend.bytesInUse, before);
    const lists = taken - generationBytes(model);
    assert(lists > 0 && lists < 0.02 * taken, `${weightsDtype}: ${taken} bytes, of which ${lists} were not predicted`);
  }
});

Deno.test("an engine of several slots takes the memory that is predicted, and one that has no room is refused", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  const sizes = { vocabSize: 999, contextLength: 300, dModel: 96, numLayers: 2, numHeads: 4, dFf: 200 };
  for (const slots of [1, 5, 8]) {
    const model = new Transformer({ ...sizes, ropeTheta: 1e4 });
    const before = backend.bytesInUse;
    const engine = await BatchEngine.create(backend, model, { slots });
    const taken = backend.bytesInUse - before;
    await engine[Symbol.asyncDispose]();
    model.release(backend);
    assertEquals(backend.bytesInUse, before);
    const lists = taken - batchBytes(model, slots);
    assert(lists > 0 && lists < 0.03 * taken, `${slots} slots: ${taken} bytes, of which ${lists} were not predicted`);
  }
  // 1.18 GiB of weights, and 0.69 of keys and values for each slot and for a prompt.
  const large = new Transformer(LARGE, { weightsDtype: "int8" });
  requireRoomToBatch(LIMITED as Backend, large, 2);
  const refused = () => requireRoomToBatch(LIMITED as Backend, large, 8);
  assertThrows(refused, UserError, "with slots: 8, must be at most the 3.98 GiB");
  assertThrows(refused, UserError, "Use fewer slots, or a smaller model");
});
