import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import type { Program } from "../../lib/graph/program.ts";
import { measureCosts } from "../../lib/run/measure_costs.ts";
import { mergeConfigs } from "../../lib/run/merge_config.ts";
import { planForTime } from "../../lib/run/plan_for_time.ts";
import { PLAIN } from "../harness/capabilities.ts";
import { Random } from "../harness/random.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const model = { vocabSize: 11, contextLength: 6, dModel: 8, numLayers: 1, numHeads: 2, dFf: 12 };
const tokens = tokensInMemory(new Random(1).integers(500, 11));

/** A backend that computes nothing, can hold f16, and keeps the programs that it was given. */
function idleBackend(programs: Program[]): Backend {
  return {
    name: "webgpu",
    description: "idle",
    capabilities: { ...PLAIN, precisions: ["f32", "f16"] },
    bytesInUse: 0,
    load: (program) => {
      programs.push(program);
      return Promise.resolve({ run: () => Promise.resolve() });
    },
    write: () => {},
    read: ({ size }) => Promise.resolve(new Float32Array(size)),
    release: () => {},
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

for (const dtype of ["f32", "f16"] as const) {
  Deno.test(`steps and validations are measured in the run's own type, ${dtype}`, async () => {
    await inTemporaryDirectory(async (directory) => {
      const programs: Program[] = [];
      const config = mergeConfigs([{ model, training: { batchSize: 2, gradAccumulation: 2, dtype } }]);
      const options = { config, train: tokens, valid: tokens, directory, seconds: 1e-9 };
      await measureCosts(idleBackend(programs), options);
      const forward = programs.filter(({ calls }) =>
        calls.some(({ kernel }) => kernel.name === "cross_entropy_forward")
      );
      assertEquals(forward.length, 2, "a step's program and a validation's");
      for (const { calls } of forward) {
        const types = new Set(calls.flatMap(({ views }) => views).map((view) => view.dtype));
        assertEquals(types.has("f16"), dtype === "f16");
      }
    });
  });
}

Deno.test("a learning rate that only a warm-up bears can be measured", async () => {
  await inTemporaryDirectory(async (directory) => {
    await using backend = await createWasmBackend({ workers: 1 });
    const config = mergeConfigs([{ model, training: { batchSize: 2, lr: 1e30 } }]);
    const costs = await measureCosts(backend, { config, train: tokens, directory, seconds: 0.01 });
    assert(costs.step > 0 && costs.checkpoint > 0);
  });
});

Deno.test("a time that is no number of seconds above 0 is refused", async () => {
  for (const seconds of [0, -1, NaN, Infinity]) {
    const createBackend = () => createWasmBackend({ workers: 1 });
    const plan = planForTime({ seconds, parts: [{ model }], train: tokens, createBackend, directory: "never-made" });
    await assertRejects(() => plan, RangeError, `got ${seconds} seconds, must be a number above 0`);
  }
});
