import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { Gguf } from "../../lib/formats/gguf/gguf.ts";
import { exists } from "../../lib/io/exists.ts";
import { loadModel } from "../../lib/run/loaded_model.ts";
import { saveTokenizer, type Tokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { main as exportTask } from "../../tasks/export.ts";
import { main as importTask } from "../../tasks/import.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { capture } from "../cli/capture.ts";
import { assertClose } from "../harness/assert_close.ts";
import { withFixture } from "../harness/huggingface_fixtures.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. ".repeat(30);
const SHAPE = "--context-length 16 --d-model 32 --num-layers 2 --num-heads 4 --d-ff 64".split(" ");

/** Trains a run for a few steps, and hands over its directory. */
async function withRun(
  body: (dir: string, run: string, tokenizer: Tokenizer) => Promise<void>,
  ...more: string[]
): Promise<void> {
  await inTemporaryDirectory(async (dir) => {
    const tokenizer = await trainBpe(TEXT, { vocabSize: 270 });
    await saveTokenizer(tokenizer, `${dir}/tokenizer`);
    await writeNpy(`${dir}/train.npy`, tokenizer.encode(TEXT));
    const data = ["--train", `${dir}/train.npy`, "--valid", `${dir}/train.npy`, "--tokenizer", `${dir}/tokenizer`];
    const steps = "--steps 8 --batch-size 2 --valid-every 2 --valid-batches 1 --backend wasm".split(" ");
    const out = ["--out", `${dir}/run`, ...SHAPE, ...steps, ...more];
    const { code, stderr } = await capture(trainLm, ...data, ...out);
    assertEquals(code, 0, stderr);
    await body(dir, `${dir}/run`, tokenizer);
  });
}

Deno.test("export writes a directory and GGUF files that give the run's ids and logits", () =>
  withRun(async (dir, run, tokenizer) => {
    const exported = async (...flags: string[]) => {
      const { code, stdout, stderr } = await capture(exportTask, "--run", run, ...flags);
      assertEquals([code, stderr], [0, ""]);
      return stdout;
    };
    assertStringIncludes(await exported("--format", "hf", "--out", `${dir}/hf`), "Exported llama");
    for (const type of ["F32", "F16", "Q8_0"]) {
      await exported("--format", "gguf", "--type", type, "--out", `${dir}/${type}.gguf`);
    }
    const ids = [...tokenizer.encode("the cat on the log")];
    const logitsOf = async (path: string) => {
      await using model = await loadModel(path, { backend: "wasm" });
      assertEquals([...model.tokenizer.encode(TEXT)], [...tokenizer.encode(TEXT)]);
      // The tokenizer's <|endoftext|>.
      assertEquals(model.stopIds, [0]);
      return await model.allLogits(ids);
    };
    const expected = await logitsOf(run);
    assertEquals(await logitsOf(`${dir}/hf`), expected);
    assertEquals(await logitsOf(`${dir}/F32.gguf`), expected);
    // float16 has 11 significant bits, Q8_0 7 and a sign; the logits are of scale 1.
    assertClose(await logitsOf(`${dir}/F16.gguf`), expected, { absolute: 5e-3 });
    assertClose(await logitsOf(`${dir}/Q8_0.gguf`), expected, { absolute: 5e-2 });
    using file = await Gguf.open(`${dir}/Q8_0.gguf`);
    assertStringIncludes(file.metadata.string("general.description"), "training: `train.npy`");
    assertEquals(file.tensors.get("blk.0.attn_q.weight")!.dtype, "Q8_0");
    assertEquals(file.tensors.get("blk.0.attn_norm.weight")!.dtype, "F32");
  }));

Deno.test("an exported directory has a card with the data, the curve and the accounting", () =>
  withRun(async (dir, run) => {
    await capture(exportTask, "--run", run, "--format", "hf", "--out", `${dir}/hf`, "--name", "small <b>one</b>");
    const card = await Deno.readTextFile(`${dir}/hf/README.md`);
    assertStringIncludes(card, "# small &lt;b>one&lt;/b>");
    assertStringIncludes(card, "training: `train.npy`");
    assert(!card.includes(dir), "no path of this machine");
    for (const title of ["Trained on", "Results", "Curve", "Accounting", "Settings", "Use"]) {
      assertStringIncludes(card, `## ${title}\n`);
    }
    assertMatch(card, /\| 8 \| \d\.\d{4} \| \d\.\d{4} \|/);
    assertMatch(card, /tokens seen \| 256 \|/);
    assertMatch(await Deno.readTextFile(`${dir}/hf/loss.svg`), /^<svg [^]*<polyline points="[\d., ]+"/);
  }));

Deno.test("export refuses what no architecture has, and what is in the way, and writes nothing", () =>
  withRun(
    async (dir, run) => {
      const out = ["--run", run, "--out", `${dir}/out`];
      for (const [format, library] of [["hf", "transformers"], ["gguf", "llama.cpp"]]) {
        const { code, stderr } = await capture(exportTask, ...out, "--format", format);
        assertEquals(code, 1);
        assertStringIncludes(stderr, `got --norm-place post`.replace("--norm-place post", '--norm-place "post"'));
        assertStringIncludes(stderr, library);
      }
      assertStringIncludes((await capture(exportTask, ...out, "--format", "gpt2")).stderr, "The nearest, gpt2,");
      const typed = await capture(exportTask, ...out, "--format", "hf", "--type", "F16");
      assertEquals(typed.code, 2);
      const inside = await capture(exportTask, "--run", run, "--format", "hf", "--out", run);
      assertStringIncludes(inside.stderr, "is inside it");
      assert(!await exists(`${dir}/out`));
    },
    "--norm-place",
    "post",
  ));

Deno.test("an imported model is exported as it came, with a card that says where from", () =>
  withFixture("gemma", async ({ directory }) => {
    const dir = `${directory}/..`;
    assertEquals((await capture(importTask, "--from", directory, "--out", `${dir}/run`)).code, 0);
    for (const out of ["out", "again"]) {
      const run = ["--run", `${dir}/run`, "--format", "hf", "--out", `${dir}/${out}`];
      const { code, stderr } = await capture(exportTask, ...run);
      assertEquals([code, stderr], [0, ""]);
    }
    assertStringIncludes(
      await Deno.readTextFile(`${dir}/out/README.md`),
      "imported from `gemma` (huggingface, `gemma`)",
    );
    const files = async (path: string) => (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name).sort();
    assertEquals(await files(`${dir}/out`), [
      "README.md",
      "config.json",
      "generation_config.json",
      "model.safetensors",
    ]);
    const [a, b] = [`${dir}/out`, `${dir}/again`].map((path) => Deno.readFileSync(`${path}/model.safetensors`));
    assertEquals(a, b);
  }));
