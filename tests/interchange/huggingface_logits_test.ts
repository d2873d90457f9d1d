// Small models of other libraries, against the logits that transformers computed of them in float64.
import { assertEquals } from "@std/assert";
import { loadModel } from "../../lib/run/loaded_model.ts";
import { assertClose } from "../harness/assert_close.ts";
import { forEachDevice } from "../harness/backends.ts";
import { HUGGINGFACE_MODELS, withFixture } from "../harness/huggingface_fixtures.ts";

for (const name of HUGGINGFACE_MODELS) {
  forEachDevice(
    `loadModel() of ${name} gives transformers' logits`,
    (backend) =>
      withFixture(name, async ({ directory, ids, logits }) => {
        await using model = await loadModel(directory, { backend });
        const got = await model.allLogits(ids);
        assertEquals(got.length, ids.length * model.config.vocabSize);
        // The logits are of scale 1 to 4; a float32 forward pass of transformers is up to 2e-6 off.
        assertClose(got, logits.flat(), { absolute: 1e-5 }, name);
        assertClose(await model.logits(ids), logits.at(-1)!, { absolute: 1e-5 }, name);
      }),
  );
}
