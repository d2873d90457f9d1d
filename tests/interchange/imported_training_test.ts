// Models of other libraries are trained further as any other.
import { assert, assertEquals } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { openHuggingFaceModel } from "../../lib/interchange/huggingface/open_model.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { readWeight } from "../../lib/model/weights.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import { train } from "../../lib/train/train.ts";
import { HUGGINGFACE_MODELS, withFixture } from "../harness/huggingface_fixtures.ts";

const IDS = Uint32Array.from({ length: 400 }, (_, i) => (i * i + 3 * i) % 61);

for (const name of HUGGINGFACE_MODELS) {
  Deno.test(`${name}: training begins with its weights, changes each parameter, and lowers the loss`, () =>
    withFixture(name, async ({ directory }) => {
      using foreign = await openHuggingFaceModel(directory, { contextLength: 16 });
      await using backend = await createWasmBackend({ workers: 1 });
      const model = new Transformer(foreign.config);
      const losses: number[] = [];
      const config = { ...TRAINING_DEFAULTS, steps: 12, batchSize: 4, lr: 1e-2, warmupSteps: 0, clip: 1 };
      const { weights } = foreign;
      for await (const { loss } of train({ backend, model, config, weights, train: tokensInMemory(IDS) })) {
        losses.push(loss);
      }
      assert(losses.at(-1)! < losses[0] - 0.5, `${losses}`);
      for (const { name, shape } of model.parameters.specs) {
        const [before, after] = [await weights(name, shape), await readWeight(backend, model, name)];
        assertEquals(after.length, before.length);
        assert(after.every(Number.isFinite), name);
        assert(after.some((value, i) => value !== before[i]), `${name} has changed`);
      }
      model.release(backend);
    }));
}
