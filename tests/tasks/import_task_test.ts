import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { Safetensors } from "../../lib/formats/safetensors.ts";
import { exists } from "../../lib/io/exists.ts";
import { loadModel } from "../../lib/run/loaded_model.ts";
import { readRunConfig } from "../../lib/run/run_directory.ts";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { main as evaluate } from "../../tasks/evaluate.ts";
import { main as generate } from "../../tasks/generate.ts";
import { main as importTask } from "../../tasks/import.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { capture } from "../cli/capture.ts";
import { assertClose } from "../harness/assert_close.ts";
import { copyFixture, withFixture } from "../harness/huggingface_fixtures.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const QUICK = "--batch-size 2 --steps 3 --save-every 2 --backend wasm".split(" ");

Deno.test("import makes a run that gives the model's logits, generates, is measured and is trained", () =>
  withFixture("llama_mha_untied", async ({ directory, ids, logits }) => {
    const [tokenizerPath, run] = [`${directory}/../tokenizer`, `${directory}/../run`];
    const tokenizer = await trainBpe("", { vocabSize: 256, specialTokens: [] });
    await saveTokenizer(tokenizer, tokenizerPath);
    const imported = await capture(importTask, "--from", directory, "--out", run, "--tokenizer", tokenizerPath);
    assertEquals([imported.code, imported.stderr], [0, ""]);
    assertStringIncludes(imported.stdout, "Imported llama, 70.9 k parameters, context 64");
    {
      await using model = await loadModel(run, { backend: "wasm" });
      assertClose(await model.allLogits(ids), logits.flat(), { absolute: 1e-5 });
      // generation_config.json says so.
      assertEquals(model.stopIds, [2]);
    }
    const generated = await capture(generate, "--run", run, "--prompt", "a", "--max-tokens", "5", "--backend", "wasm");
    assertEquals(generated.code, 0, generated.stderr);
    await Deno.writeTextFile(`${directory}/text.txt`, "the cat sat on the mat. ".repeat(20));
    const text = ["--input", `${directory}/text.txt`, "--backend", "wasm"];
    const measured = await capture(evaluate, "--run", run, ...text);
    assertEquals(measured.code, 0, measured.stderr);

    await writeNpy(`${directory}/train.npy`, tokenizer.encode("the cat sat on the mat. ".repeat(20)));
    const train = ["--train", `${directory}/train.npy`, ...QUICK];
    const trained = await capture(trainLm, "--from", run, "--out", `${directory}/../tuned`, ...train);
    assertEquals(trained.code, 0, trained.stderr);
    const { from, model } = await readRunConfig(`${directory}/../tuned`);
    assertEquals([from!.run, from!.step, model.contextLength], [run, undefined, 64]);
    const resumed = await capture(trainLm, "--resume", run);
    assertEquals(resumed.code, 1);
    assertStringIncludes(resumed.stderr, "got a model that was imported from");
    assertStringIncludes(resumed.stderr, `--from ${run}`);
  }));

Deno.test("import shortens the context, and replaces only a run, with --force", () =>
  inTemporaryDirectory(async (dir) => {
    await copyFixture("gpt2", `${dir}/gpt2`);
    const out = ["--from", `${dir}/gpt2`, "--out", `${dir}/run`];
    const { code, stderr } = await capture(importTask, ...out, "--context-length", "16");
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, "warning: no tokenizer is beside the model");
    using weights = await Safetensors.open(`${dir}/run/model.safetensors`);
    using source = await Safetensors.open(`${dir}/gpt2/model.safetensors`);
    const positions = source.readFloats("transformer.wpe.weight").subarray(0, 16 * 48);
    assertEquals(weights.readFloats("position_embeddings.weight"), positions);

    assertStringIncludes((await capture(importTask, ...out)).stderr, "it already exists");
    assertEquals((await capture(importTask, ...out, "--force")).code, 0);
    const tooLong = await capture(importTask, ...out, "--force", "--context-length", "65");
    assertEquals(tooLong.code, 2);
    assertStringIncludes(tooLong.stderr, "got --context-length 65, must be 1 to 64");
    const notRun = await capture(importTask, "--from", `${dir}/run`, "--out", `${dir}/other`);
    assertStringIncludes(notRun.stderr, "got a run, or no model");
    const notImported = await capture(generate, "--run", `${dir}/gpt2`);
    assertStringIncludes(notImported.stderr, `import --from ${dir}/gpt2 --out RUN`);
    assert(!await exists(`${dir}/other`));
  }));
