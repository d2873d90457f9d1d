import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { main } from "../../tasks/account.ts";
import { capture } from "../cli/capture.ts";

/** Runs the task; what it prints without the last newline. */
async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await capture(main, ...args);
  return { code, out: stdout.trimEnd(), err: stderr.trimEnd() };
}

Deno.test("account prints tables, or exact numbers as JSON", async () => {
  const text = await run("--model", "gpt2-xl", "--device", "a100", "--steps", "400000", "--batch-size", "1024");
  assertEquals([text.code, text.err], [0, ""]);
  assertStringIncludes(text.out, "18.0 years");
  const json = JSON.parse((await run("--model", "gpt2-xl", "--ffn", "silu", "--json")).out);
  assertEquals(json.parameters.total, 1_635_537_600);
  assertEquals(json.largestBatch, 3);
});

Deno.test("account --compare lists the sizes, --contexts the lengths", async () => {
  const { out } = await run("--compare", "gpt2-small,gpt2-medium,gpt2-large,gpt2-xl");
  const rows = out.split("\n").slice(2).map((line) => line.split(/ {2,}/));
  assertEquals(rows.map(([name, , parameters, forward]) => [name, parameters, forward]), [
    ["gpt2-small", "190 M", "350 GFLOP"],
    ["gpt2-medium", "506 M", "1.03 TFLOP"],
    ["gpt2-large", "1.07 B", "2.26 TFLOP"],
    ["gpt2-xl", "2.13 B", "4.51 TFLOP"],
  ]);
  const long = JSON.parse((await run("--contexts", "1024,16384", "--json")).out);
  assertEquals(long.map((model: { forward: { total: number } }) => model.forward.total.toExponential(2)), [
    "4.51e+12",
    "1.50e+14",
  ]);
});

Deno.test("account --config reads what train-lm reads, or a shape alone, and lets flags change it", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    const model = { vocabSize: 100, contextLength: 8, dModel: 16, numLayers: 2, numHeads: 2, dFf: 32, ropeTheta: 1e4 };
    await Deno.writeTextFile(path, JSON.stringify({ model, training: { batchSize: 4, steps: 50 } }));
    const { code, out } = await run("--config", path, "--json");
    const json = JSON.parse(out);
    assertEquals([code, json.batchSize, json.training.tokens], [0, 4, 50 * 4 * 8]);
    assertEquals(json.shape.dFf, 32);
    assertEquals(JSON.parse((await run("--config", path, "--json", "--d-ff", "64")).out).shape.dFf, 64);

    await Deno.writeTextFile(path, JSON.stringify({ ...model, ffn: "silu" }));
    const alone = JSON.parse((await run("--config", path, "--json", "--batch-size", "3")).out);
    assertEquals([alone.shape.ffn, alone.batchSize, alone.attention], ["silu", 3, "stored"]);

    const refusals: [string, string][] = [
      [
        JSON.stringify({ model: { ...model, dModel: 15 } }),
        "got --d-model 15 and 2 heads, must be --d-model divisible",
      ],
      [JSON.stringify({ ...model, dModel: 15 }), "got --d-model 15, must be divisible by 2 heads"],
      [JSON.stringify({ model, extra: [1] }), 'got "extra", must be one of'],
      ["{", "got text that is not JSON"],
      ["null", "got null, must be a JSON object"],
      ["{}", "the vocabulary size of"],
    ];
    for (const [text, message] of refusals) {
      await Deno.writeTextFile(path, text);
      assertStringIncludes((await run("--config", path)).err, message);
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("account --svg draws a picture, the same each time, and replaces none unasked", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/flops.svg`;
  try {
    assertEquals((await run("--compare", "gpt2-small,gpt2-xl", "--svg", path)).code, 0);
    const svg = await Deno.readTextFile(path);
    for (const part of ["<svg xmlns=", "gpt2-small", "350 GFLOP", "4.51 TFLOP", "feed-forward"]) {
      assertStringIncludes(svg, part);
    }
    const refused = await run("--compare", "gpt2-small", "--svg", path);
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.err, "Pass --force to replace it");
    assertEquals(await Deno.readTextFile(path), svg);
    assertEquals((await run("--compare", "gpt2-small,gpt2-xl", "--svg", path, "--force")).code, 0);
    assertEquals(await Deno.readTextFile(path), svg);
    assertEquals((await run("--contexts", "64,128", "--chart", "memory", "--svg", path, "--force")).code, 0);
    assertStringIncludes(await Deno.readTextFile(path), "optimizer state");
    assertEquals([...Deno.readDirSync(directory)].map((entry) => entry.name), ["flops.svg"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("account refuses what cannot work with one line and exit code 2 or 1", async () => {
  const cases: [string[], number, string][] = [
    [["--model", "gpt3"], 2, "got model gpt3, must be a known one. See"],
    [["--compare", "gpt2-xl,small"], 2, "got model small, must be a known one (did you mean gpt2-small?)"],
    [["--model", "small"], 2, "(did you mean gpt2-small?)"],
    [["--model", "toString"], 2, "got model toString, must be a known one. See"],
    [["--model", "tiny"], 2, "the vocabulary size of model tiny is not known. Pass --vocab-size N"],
    [["--model", "gpt2-xl", "--compare", "gpt2-small"], 2, "got --model and --compare, must be only one of them"],
    [["--tokens", "5", "--steps", "5"], 2, "got --tokens and --steps"],
    [["--device", "cray"], 2, "got --device cray, must be a known one. See"],
    [["--contexts", "10,x"], 2, "got --contexts 10,x"],
    [["--mfu", "1.5"], 2, "--mfu 1.5, must be a number above 0 and at most 1"],
    [["--mfu", "0"], 2, "got --mfu 0, must be a number above 0"],
    [["--num-heads", "7"], 2, "got --d-model 1600, must be divisible by 7 heads"],
    [["--device", "t4", "--precision", "bf16"], 2, "Cannot use bf16 on NVIDIA T4"],
    [["--config", "/nowhere/config.json"], 1, "no such file"],
    [["--frobnicate"], 2, "unknown argument --frobnicate"],
  ];
  for (const [args, code, message] of cases) {
    const result = await run(...args);
    assertEquals([result.code, result.out], [code, ""], args.join(" "));
    assertStringIncludes(result.err, message);
    assert(!result.err.includes("\n"), result.err);
  }
});

Deno.test("account --help and --devices", async () => {
  assertStringIncludes((await run("--help")).out, "deno task account --model NAME");
  assertStringIncludes((await run("--devices")).out, "NVIDIA A100 Tensor Core GPU datasheet");
});
