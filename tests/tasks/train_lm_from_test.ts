import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { identifyTokenizer } from "../../lib/dataset/tokenizer_id.ts";
import { sha256OfFile } from "../../lib/io/sha256.ts";
import { readMetrics } from "../../lib/run/metrics_follower.ts";
import { readModelConfig, readRunConfig } from "../../lib/run/run_directory.ts";
import { loadRunTokenizer } from "../../lib/run/run_tokenizer.ts";
import { loadTokenizer, saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { Safetensors } from "../../lib/formats/safetensors.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { capture } from "../cli/capture.ts";
import { runTaskProcess } from "../harness/run_task.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. ".repeat(30);
const SHAPE = "--context-length 8 --d-model 12 --num-layers 2 --num-heads 3 --d-ff 20".split(" ");
const QUICK = "--batch-size 2 --steps 6 --save-every 2 --keep 9 --valid-every 2 --valid-batches 2 --backend wasm".split(
  " ",
);

/** Trains a run, `parent`, and hands over how to train another on other text. */
async function withParent(body: (dir: string, data: string[]) => Promise<void>, ...more: string[]): Promise<void> {
  await inTemporaryDirectory(async (dir) => {
    const tokenizer = await trainBpe(TEXT, { vocabSize: 270 });
    await saveTokenizer(tokenizer, `${dir}/tokenizer`);
    await writeNpy(`${dir}/train.npy`, tokenizer.encode(TEXT));
    await writeNpy(`${dir}/other.npy`, tokenizer.encode("the log sat on the dog. ".repeat(30)));
    const parent = ["--train", `${dir}/train.npy`, "--valid", `${dir}/other.npy`, "--tokenizer", `${dir}/tokenizer`];
    const { code, stderr } = await capture(trainLm, ...parent, "--out", `${dir}/parent`, ...SHAPE, ...QUICK, ...more);
    assertEquals(code, 0, stderr);
    await body(dir, ["--train", `${dir}/other.npy`, ...QUICK]);
  });
}

async function weightsIn(path: string): Promise<Map<string, Float32Array>> {
  using file = await Safetensors.open(path);
  return new Map([...file.tensors.keys()].map((name) => [name, file.readFloats(name)]));
}

Deno.test("train-lm --from starts a run with another one's weights, shape and tokenizer", async () => {
  await withParent(async (dir, data) => {
    const parent = `${dir}/parent`;
    // All but one parameter stay as they are: what the run began with is in its last weights.
    const freeze = ["--freeze", "token_embeddings,layers.0, layers.1,ln_final"];
    for (const [which, file] of [["", "model.safetensors"], ["@best", "best.safetensors"], ["@2", ""]]) {
      const run = `${dir}/from${which}`;
      const out = ["--from", `${parent}${which}`, "--out", run, "--lr", "1e-3"];
      const { code, stdout, stderr } = await capture(trainLm, ...data, ...freeze, ...out);
      assertEquals(code, 0, stderr);
      const path = `${parent}/${file || "checkpoints/step-000000002/weights.safetensors"}`;
      const [began, ended] = [await weightsIn(path), await weightsIn(`${run}/model.safetensors`)];
      for (const [name, values] of began) {
        assertEquals(
          values.every((value, i) => Object.is(value, ended.get(name)![i])),
          name !== "lm_head.weight",
          name,
        );
      }
      const { from, training, model, given } = await readRunConfig(run);
      assertEquals(from!.run, `${parent}${which}`);
      assertEquals(from!.weights, { path: await Deno.realPath(path), sha256: await sha256OfFile(path) });
      assertEquals([model, training.lr], [await readModelConfig(parent), 1e-3]);
      assertEquals(given!.filter((name) => name.startsWith("model.")).length, SHAPE.length / 2);
      const [own, its] = [await loadRunTokenizer(run), await loadTokenizer(`${dir}/tokenizer`)].map((one) =>
        identifyTokenizer(one).sha256
      );
      assertEquals(own, its);
      assertStringIncludes(stderr, `Starting from ${parent}${which} after ${from!.step} steps (sha256 `);
      assertStringIncludes(
        await Deno.readTextFile(`${run}/report.html`),
        `${parent}${which} after ${from!.step} steps`,
      );

      // The next command that it names works as it is.
      const next = /deno task generate (.*)/.exec(stdout)![1].split(" ");
      const text = await runTaskProcess("generate", [...next, "--max-tokens", "3", "--backend", "wasm"]);
      assertEquals(text.code, 0, text.stderr);
    }
    const first = async (run: string) => (await readMetrics(`${dir}/${run}`))[0].loss;
    assert(await first("from") !== await first("from@2"));
  });
});

Deno.test("train-lm --from refuses what is not that run's, by its name, before anything is written", async () => {
  await withParent(async (dir, data) => {
    const parent = `${dir}/parent`;
    await saveTokenizer(await trainBpe(TEXT, { vocabSize: 262 }), `${dir}/other`);
    await Deno.writeTextFile(`${dir}/wide.json`, JSON.stringify({ model: { dModel: 24 } }));
    await Deno.writeTextFile(`${dir}/preset.json`, JSON.stringify({ preset: "tiny" }));
    const cases: [args: string[], says: RegExp, code: number][] = [
      [["--d-model", "24"], /got --d-model 24, must be that run's 12\. /, 2],
      [["--tie-embeddings"], /got --tie-embeddings true, must be that run's false/, 2],
      [["--preset", "tiny"], /got --preset tiny, of --\S+ \d+, must be that run's/, 2],
      [["--config", `${dir}/wide.json`], /got --config with model\.dModel 24, must be that run's 12/, 2],
      [["--config", `${dir}/preset.json`], /got --config with model\.\w+ \d+, must be that run's/, 2],
      [["--tokenizer", `${dir}/other`], /got --tokenizer .*\/other, must be that run's own/, 1],
      [
        ["--keep-optimizer", "--optimizer", "sgd"],
        /Cannot keep the optimizer's state of .* got sgd, which keeps none/,
        1,
      ],
      [["--freeze", "layers.7"], /got "layers\.7", which the model does not have/, 2],
      [["--patience", "2"], /--patience needs --valid/, 2],
      [["--quiet", "--verbose"], /got --quiet and --verbose/, 2],
      [["--out", parent, "--force"], /Cannot write .*\/parent/, 2],
    ];
    const froms: [from: string, says: RegExp, code: number][] = [
      [`${parent}@3`, /got step 3, must be one of 2, 4, 6/, 1],
      [`${parent}@worst`, /got worst after the @, must be best, last or a checkpoint's step/, 2],
      [`${dir}/none`, /no such directory/, 1],
      [`${dir}/tokenizer`, /no config\.json/, 1],
    ];
    const listing = async () => (await Array.fromAsync(Deno.readDir(dir), ({ name }) => name)).sort();
    const before = await listing();
    for (const [args, says, code] of cases) {
      const out = args.includes("--out") ? [] : ["--out", `${dir}/new`];
      const refused = await capture(trainLm, "--from", parent, ...data, ...out, ...args);
      assertMatch(refused.stderr, says);
      assertEquals([refused.code, refused.stderr.match(/^error: .*\n$/m)?.length], [code, 1], refused.stderr);
    }
    for (const [from, says, code] of froms) {
      const refused = await capture(trainLm, "--from", from, ...data, "--out", `${dir}/new`);
      assertMatch(refused.stderr, says);
      assertEquals(refused.code, code, refused.stderr);
    }
    const alone = await capture(trainLm, "--keep-optimizer", ...data, "--out", `${dir}/new`);
    assertMatch(alone.stderr, /--keep-optimizer needs --from/);
    assertEquals(await listing(), before);

    // Said again, that run's own is no contradiction.
    const same = ["--config", `${parent}/config.json`, "--d-model", "12", "--tokenizer", `${dir}/tokenizer`];
    const agreed = await capture(
      trainLm,
      "--from",
      parent,
      ...data,
      "--out",
      `${dir}/new`,
      ...same,
      "--keep-optimizer",
    );
    assertEquals(agreed.code, 0, agreed.stderr);
    assertStringIncludes(agreed.stderr, "with its optimizer's state");
  });
});

Deno.test("train-lm --resume takes other validations, samples and checkpoints, and more steps of a plateau", async () => {
  await withParent(
    async (dir) => {
      const run = `${dir}/parent`;
      const losses = async () => (await readMetrics(run)).map(({ loss }) => loss);
      const before = await losses();
      const more = ["--steps", "9", "--valid-every", "3", "--save-every", "1", "--keep", "1", "--sample-every", "4"];
      const { code, stderr, stdout } = await capture(trainLm, "--resume", run, ...more);
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, "--valid-every is 3 from here on (was 2)");
      assertStringIncludes(stderr, "--steps is 9 from here on (was 6)");
      assertMatch(stderr, /^--- sample after step 8$/m);
      assertMatch(stdout, /^Trained 9 steps on wasm: loss /m);
      assertEquals((await losses()).slice(0, 6), before);
      assertEquals((await losses()).length, 9);
      const { training } = await readRunConfig(run);
      assertEquals([training.steps, training.validEvery, training.keep, training.sampleEvery], [9, 3, 1, 4]);
      assertEquals((await Array.fromAsync(Deno.readDir(`${run}/checkpoints`))).length, 1);

      const refused: [args: string[], says: RegExp][] = [
        [["--lr", "1"], /got --lr, must be the run's own configuration/],
        [["--steps", "8"], /got --steps 8, must be at least the 9 taken so far/],
        [["--from", run], /got --from, must be the run's own/],
      ];
      for (const [args, says] of refused) {
        const { code, stderr } = await capture(trainLm, "--resume", run, ...args);
        assertMatch(stderr, says);
        assertEquals(code, 2, stderr);
      }
    },
    "--schedule",
    "constant",
  );
  await withParent(async (dir) => {
    const { code, stderr } = await capture(trainLm, "--resume", `${dir}/parent`, "--steps", "9");
    assertEquals(code, 2);
    assertMatch(stderr, /got --steps 9, must be 6: with the schedule cosine .* --from /);
  });
});

Deno.test("train-lm --patience stops a run, with exit code 0, and says so everywhere", async () => {
  await withParent(async (dir, data) => {
    const run = `${dir}/run it`;
    const early = ["--valid", `${dir}/train.npy`, "--patience", "1", "--lr", "0.5", "--steps", "40", "--out", run];
    const flags = data.filter((word, i) => word !== "--steps" && data[i - 1] !== "--steps");
    const { code, stdout, stderr } = await capture(trainLm, ...flags, ...early, "--from", `${dir}/parent`);
    assertEquals(code, 0, stderr);
    const last = (await readMetrics(run)).at(-1)!;
    assert(last.stoppedEarly && last.step < 39, JSON.stringify(last));
    const lines = stdout.trimEnd().split("\n");
    assertEquals(
      lines[0],
      `Stopped early after ${last.step + 1} of 40 steps on wasm: 1 validation without a lower loss`,
    );
    assertStringIncludes(stdout, `deno task generate --run '${run}' --weights best`);
    assertStringIncludes(stdout, `'${run}/report.html'`);
    const text = (await Deno.readTextFile(`${run}/metrics.jsonl`)).trimEnd().split("\n").at(-1)!;
    assertStringIncludes(text, '"stoppedEarly":true');
    assertStringIncludes(await Deno.readTextFile(`${run}/report.html`), "stopped early: 1 validation without a lower");
    const again = await capture(trainLm, "--resume", run);
    assertEquals(again.code, 0, again.stderr);
    assertStringIncludes(again.stdout, `The run already stopped early, after ${last.step + 1} steps`);

    // With more patience it continues, and nothing says any longer that it had stopped.
    const more = await capture(trainLm, "--resume", run, "--patience", "1000");
    assertEquals(more.code, 0, more.stderr);
    const metrics = await readMetrics(run);
    assertEquals(metrics.map(({ step }) => step), Array.from({ length: 40 }, (_, i) => i));
    assertEquals(metrics.filter(({ stoppedEarly }) => stoppedEarly).length, 0);
    assertEquals((await Deno.readTextFile(`${run}/metrics.jsonl`)).includes("stoppedEarly"), false);
    const html = await Deno.readTextFile(`${run}/report.html`);
    assertStringIncludes(html, "<p>40 of 40 steps in 0:0");
    assertEquals(html.includes("stopped early"), false);
  });
});

Deno.test("train-lm --resume --valid validates a run that was not", async () => {
  await withParent(async (dir, data) => {
    const run = `${dir}/run`;
    const begun = await capture(trainLm, ...data, "--from", `${dir}/parent`, "--out", run, "--schedule", "constant");
    assertEquals(begun.code, 0, begun.stderr);
    const more = ["--valid", `${dir}/train.npy`, "--patience", "9", "--steps", "8"];
    const { code, stderr, stdout } = await capture(trainLm, "--resume", run, ...more);
    assertEquals(code, 0, stderr);
    assertMatch(stderr, /^--valid is .*\/train\.npy from here on \(was none\)$/m);
    assertMatch(stderr, /^--patience is 9 from here on \(was none\)$/m);
    assertMatch(stdout, /^Validation loss \d/m);
    assertEquals((await readRunConfig(run)).data.valid!.name, await Deno.realPath(`${dir}/train.npy`));
    // From now on these are its validation data.
    const other = await capture(trainLm, "--resume", run, "--valid", `${dir}/other.npy`, "--steps", "9");
    assertEquals(other.code, 1, other.stderr);
    assertMatch(other.stderr, /other\.npy: got .* must be the data that the run began with/);
  });
});

Deno.test("train-lm --quiet says how a run ended, and nothing else; usually a line says what is trained", async () => {
  await withParent(async (dir, data) => {
    const args = [...data, "--from", `${dir}/parent`];
    const quiet = await runTaskProcess("train-lm", [...args, "--out", `${dir}/quiet`, "--quiet"]);
    assertEquals([quiet.code, quiet.stderr.replace(/^warning: .*\n/gm, "")], [0, ""]);
    assertMatch(quiet.stdout, /^Trained 6 steps on wasm: loss \d+\.\d{3} → \d+\.\d{3}\n$/);

    const same = ["--train", `${dir}/train.npy`, ...args.slice(2), "--out", `${dir}/again`];
    const again = await runTaskProcess("train-lm", same);
    assertMatch(again.stderr, /^warning: the data and --seed are the same as that run's/m);
    assert(!/the same as that run/.test(quiet.stderr), quiet.stderr);

    const usual = await runTaskProcess("train-lm", [...args, "--out", `${dir}/usual`]);
    assertEquals(usual.code, 0, usual.stderr);
    const [, line] = usual.stderr.split("\n").filter((line) => !line.startsWith("warning"));
    assertMatch(
      line,
      /^[\d.]+ k parameters \(2 × 12, context 8\) {2}6 × 16 tokens {2}[\d.]+ KiB {2}adamw, lr 0\.003, cosine/,
    );
    assert(!/predicted|\{/.test(usual.stderr + usual.stdout), usual.stderr);
    for (const line of usual.stdout.split("\n")) if (!line.includes(dir)) assert(line.length <= 80, line);
  });
});
