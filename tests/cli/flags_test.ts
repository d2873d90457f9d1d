import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../tasks/cli/errors.ts";
import { parseFlags } from "../../tasks/cli/flags.ts";

const FLAGS = {
  input: { type: "strings", required: true },
  out: { type: "string" },
  steps: { type: "integer", default: 10, min: 1 },
  lr: { type: "number", max: 1 },
  backend: { type: "string", default: "auto", choices: ["auto", "wasm"] },
  force: { type: "boolean" },
} as const;

const parse = (...args: string[]) => parseFlags("t", args, FLAGS);

Deno.test("parseFlags() reads every kind of flag, and defaults", () => {
  assertEquals(
    parse(
      "--input",
      "a",
      "--input",
      "-",
      "--input=b",
      "--out=007",
      "--steps",
      "3",
      "--lr=-1e-3",
      "--backend",
      "wasm",
      "--force",
    ),
    {
      input: ["a", "-", "b"],
      out: "007",
      steps: 3,
      lr: -0.001,
      backend: "wasm",
      force: true,
    },
  );
  assertEquals(parse("--input", "a"), {
    input: ["a"],
    out: undefined,
    steps: 10,
    lr: undefined,
    backend: "auto",
    force: false,
  });
});

Deno.test("parseFlags() takes several values after a flag that says so, and after no other", () => {
  const flags = {
    input: { type: "strings", many: true },
    out: { type: "string" },
    force: { type: "boolean" },
  } as const;
  const args = ["--input", "a", "-", "b", "--force", "--input=c", "--out", "-"];
  assertEquals(parseFlags("t", args, flags), { input: ["a", "-", "b", "c"], out: "-", force: true });
  assertThrows(() => parseFlags("t", ["--out", "a", "b"], flags), UsageError, "unknown argument b");
  assertThrows(() => parseFlags("t", ["--force", "b"], flags), UsageError, "unknown argument b");
});

Deno.test("parseFlags() refuses what it does not understand, naming it", () => {
  const cases: [string[], string][] = [
    [["--input", "a", "--inptu", "b"], "unknown argument --inptu"],
    [["--input", "a", "stray"], "unknown argument stray"],
    [["--input", "a", "12"], "unknown argument 12"],
    [["--input", "a", "-x"], "unknown argument -x"],
    [[], "no --input"],
    [["--input"], "--input without a value"],
    [["--input="], "--input without a value"],
    [["--input", "--force"], "--input without a value"],
    [["--input", "a", "--out", "x", "--out", "y"], "--out 2 times"],
    [["--input", "a", "--steps", "0"], "--steps 0, must be a whole number at least 1"],
    [["--input", "a", "--steps", "2.5"], "--steps 2.5, must be a whole number"],
    [["--input", "a", "--steps", "1e400"], "--steps 1e400"],
    [["--input", "a", "--steps", "0x10"], "--steps 0x10"],
    [["--input", "a", "--lr", "fast"], "--lr fast, must be a number at most 1"],
    [["--input", "a", "--lr", "NaN"], "--lr NaN"],
    [["--input", "a", "--backend", "cuda"], "--backend cuda, must be one of auto, wasm"],
  ];
  for (const [args, message] of cases) assertThrows(() => parse(...args), UsageError, message);
});
