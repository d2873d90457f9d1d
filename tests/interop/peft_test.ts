// Adapters in PEFT, for which Python needs torch, transformers and peft:
// BYTELM_INTEROP=1 BYTELM_PYTHON=python3 deno test -A tests/interop/peft_test.ts
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { writeAdapter } from "../../lib/interchange/huggingface/write_adapter.ts";
import { huggingFaceArchitecture, writeHuggingFaceModel } from "../../lib/interchange/huggingface/write_model.ts";
import { type ModelConfig, PRESETS } from "../../lib/model/config.ts";
import { adapterSpecs, mergedWeights, withAdapters } from "../../lib/model/lora.ts";
import { sizeOf } from "../../lib/model/parameters.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights } from "../../lib/model/weights.ts";
import { LoadedModel } from "../../lib/run/loaded_model.ts";
import { assertClose } from "../harness/assert_close.ts";
import { Random } from "../harness/random.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

async function ask(asked: unknown): Promise<number[][]> {
  const command = new Deno.Command(Deno.env.get("BYTELM_PYTHON") ?? "python3", {
    args: [new URL("peft_peer.py", import.meta.url).pathname],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = command.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(asked)));
  await writer.close();
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).slice(-4000));
  return JSON.parse(new TextDecoder().decode(stdout).split("\nANSWERS")[1]) as number[][];
}

Deno.test({
  name: "PEFT's logits of an adapter on the exported base are those of the merged weights",
  ignore: Deno.env.get("BYTELM_INTEROP") !== "1",
  fn: () =>
    inTemporaryDirectory(async (place) => {
      const config: ModelConfig = {
        ...PRESETS.tiny,
        vocabSize: 97,
        dModel: 48,
        numHeads: 3,
        numKeyValueHeads: 1,
        dFf: 40,
        numLayers: 2,
      };
      const lora = { rank: 4, alpha: 6, targets: ["q_proj", "k_proj", "v_proj", "output_proj", "w1", "w2", "w3"] };
      const specs = adapterSpecs(config, lora);
      const random = new Random(3);
      const values = new Map(
        specs.map((spec) => [spec.name, Float32Array.from(random.normal(sizeOf(spec)), (value) => 0.2 * value)]),
      );
      const base = initialWeights(config, 0);
      const weights = withAdapters(base, (name) => values.get(name)!);
      for (const name of ["base", "adapter"]) await Deno.mkdir(`${place}/${name}`);
      const exported = { config, tokenizer: undefined, stopIds: [], weights: base };
      await writeHuggingFaceModel(`${place}/base`, exported, huggingFaceArchitecture(config));
      await writeAdapter(`${place}/adapter`, config, lora, weights);

      const prompts = [[1, 5, 9, 90, 17, 3, 50, 42, 42, 7], [96], [8, 2, 71]];
      const answers = await ask({ base: `${place}/base`, adapter: `${place}/adapter`, prompts });
      await using backend = await createWasmBackend({ workers: 1 });
      const merged = { tokenizer: undefined, weights: mergedWeights(weights, specs, 6 / 4), stopIds: [] };
      await using model = await LoadedModel.load(backend, { ...merged, model: new Transformer(config) });
      for (const [i, prompt] of prompts.entries()) {
        assertClose(await model.logits(prompt), answers[i], { absolute: 5e-5 }, prompt.join());
      }
    }),
});
