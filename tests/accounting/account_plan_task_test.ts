import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DEVICE_NAMES } from "../../lib/accounting/devices.ts";
import { formatPrediction } from "../../lib/accounting/training_summary.ts";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { readMetrics } from "../../lib/run/metrics_follower.ts";
import { readModelConfig, readRunConfig } from "../../lib/run/run_directory.ts";
import { main } from "../../tasks/account.ts";
import { capture } from "../cli/capture.ts";
import { Random } from "../harness/random.ts";
import { runTaskProcess } from "../harness/run_task.ts";

const PLAN = ["--device", "rtx4090", "--hours", "24", "--data", "2GB"];

async function inDirectory(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function plan(...args: string[]) {
  const { code, stdout, stderr } = await capture(main, ...args);
  assertEquals(code, 0, stderr);
  return stdout.trimEnd();
}

Deno.test("a plan answers first, in a dozen lines of a terminal, on any device", async () => {
  for (const device of DEVICE_NAMES) {
    for (const [hours, data] of [["0.01", "1MB"], ["24", "2GB"], ["20000", "40TB"]]) {
      const args = ["--device", device, "--hours", hours, "--data", data, "--price", "0.40"];
      const lines = (await plan(...args)).split("\n");
      assert(lines.length <= 12, lines.join("\n"));
      for (const line of lines) assert([...line].length <= 80, line);
      const names = lines.slice(2, -1).map((line) => line.split(" ")[0]);
      assertEquals(names, ["text", "model", "why", "training", "batch", "loss", "memory", "time", "price"]);
      const explained = await plan(...args, "--explain");
      assert(explained.startsWith(`${lines.join("\n")}\n\n`), explained);
      assertStringIncludes(explained, "deno task train-lm --train");
      for (const source of ["Hoffmann et al. 2022", "Besiroglu et al. 2024", "Muennighoff et al. 2023"]) {
        assertStringIncludes(explained, source);
      }
    }
  }
});

Deno.test("a plan's text and its JSON say the same, and the price is that of the hours it takes", async () => {
  const { plan: planned, hours, price, data } = JSON.parse(await plan(...PLAN, "--price", "0.40", "--json"));
  assertEquals(data, { bytes: 2e9, tokens: 5e8, how: "4 bytes a token, assumed" });
  // It has seen its text four times before the day is over.
  assertEquals([planned.bound, planned.isCorpusUsedUp, hours], ["corpus", true, planned.estimatedSeconds / 3600]);
  assertEquals(price, { perHour: 0.4, total: hours * 0.4 });
  const text = await plan(...PLAN, "--price", "0.40");
  assertStringIncludes(text, `${planned.config.training.steps.toLocaleString("en-US")} steps: `);
  assertStringIncludes(text, `${price.total.toFixed(2)}: `);
  assertMatch(text, /50 % of the peak, assumed/);
  const minutes = JSON.parse(await plan("--device", "RTX 4090", "--minutes", "1440", "--data", "2000MB", "--json"));
  assertEquals(minutes.plan, planned);
  const filled = JSON.parse(await plan("--device", "t4", "--hours", "5", "--data", "1TB", "--price", "2", "--json"));
  assertEquals([filled.hours, filled.price.total], [5, 10]);
  assertMatch(await plan("--device", "h100", "--hours", "1", "--data", "2GB"), /55 % of the peak, measured/);
  assertMatch(await plan(...PLAN, "--mfu", "0.25"), /25 % of the peak, given/);
});

Deno.test("the command of a plan trains what it says, and train-lm predicts the same of it", async () => {
  await inDirectory(async (dir) => {
    for (const name of ["train", "valid"]) {
      await writeNpy(`${dir}/${name}.npy`, Uint16Array.from(new Random(3).integers(3000, 50)));
    }
    const what = ["--minutes", "0.00002", "--data", `${dir}/train.npy`, "--vocab-size", "50"];
    const { plan: planned, data } = JSON.parse(await plan(...what, "--json"));
    assertEquals(data.tokens, 3000);
    const explained = await plan(...what, "--explain");
    const command = /deno task train-lm ([^]*?)\n\n/.exec(explained)![1].replaceAll("\\\n", " ")
      .replace("TRAIN.npy", `${dir}/train.npy`).replace("VALID.npy", `${dir}/valid.npy`)
      .replace("--tokenizer DIR", "--vocab-size 50").replace("RUN", `${dir}/run`);
    const args = [...command.trim().split(/\s+/), "--backend", "wasm", "--verbose"];
    const { code, stderr } = await runTaskProcess("train-lm", args);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, formatPrediction(planned.prediction));
    assertEquals(await readModelConfig(`${dir}/run`), planned.config.model);
    assertEquals((await readRunConfig(`${dir}/run`)).training, planned.config.training);
    const metrics = await readMetrics(`${dir}/run`);
    assertEquals(metrics.length, planned.config.training.steps);
  });
});

Deno.test("a text is counted by its tokenizer, token ids as they are, and what is given counts", async () => {
  await inDirectory(async (dir) => {
    const text = "the cat sat on the mat, the dog sat on the log. ".repeat(40);
    await Deno.writeTextFile(`${dir}/text.txt`, text);
    const trained = await runTaskProcess("train-bpe", [
      ...["--input", `${dir}/text.txt`, "--vocab-size", "270", "--out", `${dir}/tok`],
    ]);
    assertEquals(trained.code, 0, trained.stderr);
    const encoded = await runTaskProcess("encode", [
      ...["--tokenizer", `${dir}/tok`, "--input", `${dir}/text.txt`, "--out", `${dir}/text.npy`],
    ]);
    assertEquals(encoded.code, 0, encoded.stderr);
    const told = async (...args: string[]) => JSON.parse(await plan("--hours", "1", ...args, "--json"));
    const ids = await told("--data", `${dir}/text.npy`);
    const measured = await told("--data", `${dir}/text.txt`, "--tokenizer", `${dir}/tok`);
    assertEquals([ids.data.bytes, measured.data.bytes], [text.length, text.length]);
    assertEquals(measured.data.tokens, ids.data.tokens);
    assertStringIncludes(measured.data.how, "measured");
    // The ids know the vocabulary of their tokenizer.
    assertEquals([ids, measured].map(({ plan }) => plan.config.model.vocabSize), [270, 270]);
    assertEquals((await told("--data", "1MB", "--bytes-per-token", "2.5")).data.tokens, 400_000);
    assertEquals((await told("--data", "1MB")).plan.config.model.vocabSize, 32_000);

    await Deno.writeFile(`${dir}/packed`, Uint8Array.of(0x1f, 0x8b, 8));
    const packed = await capture(main, "--hours", "1", "--data", `${dir}/packed`);
    assertEquals(packed.code, 1);
    assertStringIncludes(packed.stderr, "got a compressed file, must be text");
    await Deno.writeTextFile(`${dir}/table`, "PAR1\x15\0 and so on");
    const table = await capture(main, "--hours", "1", "--data", `${dir}/table`);
    assertStringIncludes(table.stderr, "got a Parquet file, must be text. Give the size of the text");
  });
});

Deno.test("a plan for a named model is for that one, whatever it is called in train-lm", async () => {
  const { plan: planned } = JSON.parse(await plan(...PLAN, "--model", "gpt2-small", "--json"));
  assertEquals([planned.prediction.parameters, planned.bound], [190_460_160, undefined]);
  const narrow = JSON.parse(await plan(...PLAN, "--model", "tiny", "--d-model", "64", "--json"));
  assertEquals([narrow.plan.config.model.dModel, narrow.plan.config.model.vocabSize], [64, 32_000]);
});

Deno.test("a plan that makes no sense is refused with one line", async () => {
  const cases: [string[], number, string][] = [
    [["--device", "rtx4080", "--hours", "1", "--data", "2GB"], 2, "got --device rtx4080, must be a known one"],
    [["--device", "rtx4080", "--hours", "1", "--data", "2GB"], 2, "(did you mean rtx-4090?)"],
    [["--hours", "1"], 2, "--data is required: the size of the text"],
    [["--data", "2GB"], 2, "--hours or --minutes is required"],
    [["--explain"], 2, "--hours or --minutes is required"],
    [["--hours", "1", "--minutes", "1", "--data", "2GB"], 2, "got --hours and --minutes, must be only one of them"],
    [["--hours", "0", "--data", "2GB"], 2, "got --hours 0, must be a number above 0"],
    [["--hours", "1", "--data", "2XB"], 2, "got --data 2XB, must be a size such as 250MB"],
    [["--hours", "1", "--data", "-5GB"], 2, "--data needs a value"],
    [["--hours", "1", "--data", "nowhere.txt"], 1, "Cannot read nowhere.txt: there is no such file"],
    [["--hours", "1", "--data", "2GB", "--steps", "4"], 2, "got --steps with --hours, must be only one of them"],
    [["--hours", "1", "--data", "2GB", "--compare", "gpt2-xl"], 2, "got --compare with --hours"],
    [["--hours", "1", "--data", "2GB", "--precision", "f16"], 2, "got --precision with --hours"],
    [["--hours", "1", "--data", "2GB", "--d-model", "8"], 2, "one of them (with --model too)"],
    [["--hours", "1", "--data", "2GB", "--price", "-1"], 2, "got --price -1"],
    [["--hours", "1", "--data", "2GB", "--model", "gpt3"], 2, "got model gpt3, must be a known one"],
    [["--hours", "1", "--data", "2GB", "--model", "gpt2-xl"], 1, "must be at most the 2.15 GB of WebGPU"],
    [["--hours", "1", "--data", "100B"], 1, "got 25 tokens of text, must be at least 129"],
    [["--hours", "1e-12", "--data", "2GB"], 1, "Give more time"],
    [["--hours", "1", "--data", "2GB", "--vocab-size", "20000000"], 1, "Lower --vocab-size"],
  ];
  for (const [args, code, message] of cases) {
    const result = await capture(main, ...args);
    assertEquals([result.code, result.stdout], [code, ""], args.join(" "));
    assertStringIncludes(result.stderr, message);
    assertEquals(result.stderr.trimEnd().split("\n").length, 1, result.stderr);
  }
});
