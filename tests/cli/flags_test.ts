import { assert, assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { UsageError } from "../../tasks/cli/errors.ts";
import { missingFlags, parseFlags } from "../../tasks/cli/flags.ts";
import { nearest, nearestFlag } from "../../tasks/cli/nearest.ts";

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
  assertThrows(() => parseFlags("t", ["--out", "a", "b"], flags), UsageError, "b belongs to no flag");
  assertThrows(() => parseFlags("t", ["--force", "b"], flags), UsageError, "b belongs to no flag");
});

Deno.test("parseFlags() refuses what it does not understand, naming it", () => {
  const cases: [string[], string][] = [
    [["--input", "a", "--inptu", "b"], "unknown argument --inptu"],
    [["--input", "a", "stray"], "stray belongs to no flag"],
    [["--input", "a", "12"], "12 belongs to no flag"],
    [["--input", "a", "-x"], "unknown argument -x"],
    [[], "--input is required"],
    [["--input"], "--input needs a value"],
    [["--input="], "--input needs a value"],
    [["--input", "--force"], "--input needs a value"],
    [["--input", "a", "--out", "x", "--out", "y"], "--out was given 2 times"],
    [["--input", "a", "--steps", "0"], "--steps 0, must be a whole number of at least 1"],
    [["--input", "a", "--steps", "2.5"], "--steps 2.5, must be a whole number"],
    [["--input", "a", "--steps", "1e400"], "--steps 1e400"],
    [["--input", "a", "--steps", "0x10"], "--steps 0x10"],
    [["--input", "a", "--lr", "fast"], "--lr fast, must be a number of at most 1"],
    [["--input", "a", "--lr", "NaN"], "--lr NaN"],
    [["--input", "a", "--backend", "cuda"], "--backend cuda, must be one of auto, wasm"],
    [["--input", "a", "--inptu", "b"], "unknown argument --inptu (did you mean --input?)"],
    [["--input", "a", "--colour"], "unknown argument --colour. See: deno task t --help"],
    [["--input", "a", "--constructor", "b"], "unknown argument --constructor. See"],
    [["--input", "a", "--__proto__=b"], "unknown argument --__proto__=b"],
    [["--input", "a", "--", "b"], "-- belongs to no flag"],
    [["--input", "a", "two\nlines\u2028"], '"two\\nlines\\u2028" belongs to no flag'],
    [["--input", "a", "x".repeat(1000)], `"${"x".repeat(59)}…" belongs to no flag`],
    [["--input", "a", ""], '"" belongs to no flag'],
    [["--input", "a", "--force", "--force"], "--force was given 2 times"],
    [["--input", "a", "--force=no"], "--force takes no value"],
    [["--input", "a", "--lr", "-1e400"], "--lr -1e400, must be a finite number of at most 1"],
    [
      ["--input", "a", "--lr", "1e-400"],
      "--lr 1e-400, must be a number of at most 1 and not so close to 0 (the smallest is 5e-324)",
    ],
    [["--input", "a", "--lr", "-Infinity"], "--lr -Infinity, must be a number of at most 1"],
    [["--input", "a", "--steps", "-1"], "--steps -1, must be a whole number of at least 1"],
    [["--input", "a", "--steps", "9007199254740993"], "--steps 9007199254740993"],
    [["--input", "a", "--out", "-1"], "--out needs a value. If -1 is the value, write --out=-1"],
  ];
  for (const [args, message] of cases) assertThrows(() => parse(...args), UsageError, message);
});

Deno.test("parseFlags() takes negative numbers, words for numbers, and texts that may be empty", () => {
  const flags = {
    lr: { type: "number", above: -2, below: 2 },
    clip: { type: "number", min: 0, words: { none: 0 } },
    prompt: { type: "string", mayBeEmpty: true },
  } as const;
  const parse = (...args: string[]) => parseFlags("t", args, flags);
  assertEquals(parse("--lr", "-1.5", "--clip", "none", "--prompt", ""), { lr: -1.5, clip: 0, prompt: "" });
  assertEquals(parse("--lr=-.5", "--clip=2", "--prompt="), { lr: -0.5, clip: 2, prompt: "" });
  assertEquals(parse("--prompt=--lr"), { lr: undefined, clip: undefined, prompt: "--lr" });
  assertThrows(() => parse("--lr", "-2"), UsageError, "--lr -2, must be a number above -2 and below 2");
  assertThrows(() => parse("--clip", "some"), UsageError, "--clip some, must be a number of at least 0, or none");
  assertThrows(() => parse("--prompt"), UsageError, "--prompt needs a value");
});

const TEXT = fc.string({ unit: "binary" });

Deno.test("parseFlags() reads back what was written, in either form and any order", () => {
  const given = fc.record({
    input: fc.array(TEXT.filter((text) => text !== ""), { minLength: 1, maxLength: 3 }),
    out: TEXT.filter((text) => text !== ""),
    steps: fc.integer({ min: 1 }),
    lr: fc.double({ max: 1, noNaN: true, noDefaultInfinity: true }),
    backend: fc.constantFrom("auto", "wasm"),
    force: fc.constant(true),
  }, { requiredKeys: ["input"] });
  fc.assert(
    fc.property(given, fc.infiniteStream(fc.boolean()), (values, coin) => {
      const flip = () => coin.next().value;
      const words = Object.entries(values).flatMap(([name, value]) =>
        [value].flat().map((one) => {
          const text = String(one);
          if (one === true) return [`--${name}`];
          // A text that begins with a dash needs the form that says whose it is.
          return typeof one === "string" && text.startsWith("-") && text !== "-" || flip()
            ? [`--${name}=${text}`]
            : [`--${name}`, text];
        })
      );
      const args = flip() ? words.flat() : words.reverse().flat();
      const parsed = parse(...args);
      assertEquals(parsed.input.toSorted(), values.input.toSorted());
      const { input: _, ...rest } = values;
      for (const [name, value] of Object.entries(rest)) {
        assert(Object.is(parsed[name as keyof typeof parsed], value), name);
      }
    }),
    { seed: 4, numRuns: 500 },
  );
});

Deno.test("parseFlags() answers any command line with flags, or with one short line for a person", () => {
  const words = [
    "--input",
    "--out",
    "--steps",
    "--lr",
    "--force",
    "--input=",
    "--steps=1e9",
    "-1",
    "-h",
    "--",
    "-",
    "=",
    "--=",
  ];
  const names = [
    "--toString",
    "--__proto__",
    "--hasOwnProperty=x",
    "--lr=0x1",
    "--lr=\u0000",
    "--steps=1\n2",
    "--backend",
  ];
  const arg = fc.oneof(fc.constantFrom(...words, ...names), TEXT, TEXT.map((text) => `--${text}`));
  fc.assert(
    fc.property(fc.array(arg, { maxLength: 8 }), (args) => {
      try {
        const { steps, lr, input, force } = parse(...args);
        assert(Number.isSafeInteger(steps) && steps >= 1);
        assert(lr === undefined || lr <= 1 && lr > -Infinity);
        assert(input.length > 0 && typeof force === "boolean");
      } catch (error) {
        assert(error instanceof UsageError, String(error));
        // deno-lint-ignore no-control-regex
        assert(!/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(error.message), JSON.stringify(error.message));
        assert(error.message.length < 400, error.message);
      }
    }),
    { seed: 5, numRuns: 3000 },
  );
});

Deno.test("parseFlags() names all flags that are missing at once, and what may stand in their place", () => {
  const flags = {
    out: { type: "string", required: true },
    input: { type: "strings", requiredWithout: ["counts"] },
    counts: { type: "strings" },
    size: { type: "integer", required: true },
  } as const;
  const cases: [string[], string][] = [
    [[], "Cannot run t: --out and --size are required, and --input or --counts. See: deno task t --help"],
    [["--counts", "a"], "Cannot run t: --out and --size are required. See"],
    [["--counts", "a", "--size", "1"], "Cannot run t: --out is required. See"],
    [["--size", "1", "--out", "a"], "Cannot run t: --input is required, or --counts. See"],
  ];
  for (const [args, message] of cases) {
    assertThrows(() => parseFlags("t", args, flags), UsageError, message);
  }
  assertEquals(parseFlags("t", ["--out", "a", "--size", "1", "--counts", "b"], flags).counts, ["b"]);
  const resumable = missingFlags("t", [["out"], ["train"]], "--resume RUN");
  assertEquals(
    resumable.message,
    "Cannot run t: --out and --train are required, or --resume RUN. See: deno task t --help",
  );
});

Deno.test("nearestFlag() finds the flag that was meant, also by another program's name for it", () => {
  const names = [
    "lr",
    "min-lr",
    "batch-size",
    "num-layers",
    "d-model",
    "out",
    "temperature",
    "max-tokens",
    "weight-decay",
  ];
  const found: [string, string | undefined][] = [
    ["learning-rate", "lr"],
    ["learning_rate", "lr"],
    ["learningRate", "lr"],
    ["batchSize", "batch-size"],
    ["batch", "batch-size"],
    ["layers", "num-layers"],
    ["n_layers", "num-layers"],
    ["output", "out"],
    ["out-dir", "out"],
    ["temp", "temperature"],
    ["max_new_tokens", "max-tokens"],
    ["decay", "weight-decay"],
    ["hidden_size", "d-model"],
    ["colour", undefined],
    ["x", undefined],
    ["constructor", undefined],
    ["__proto__", undefined],
  ];
  for (const [typed, name] of found) assertEquals(nearestFlag(typed, names), name, typed);
  fc.assert(
    fc.property(TEXT, (typed) => {
      const name = nearestFlag(typed, names);
      assert(name === undefined || names.includes(name));
    }),
    { seed: 8 },
  );
});

Deno.test("nearest() finds a word with a slip, and none for another word", () => {
  const words = ["input", "out", "steps", "warmup-steps", "lr"];
  const found = ["inptu", "imput", "nput", "step", "stesp", "warmup_steps", "lrr"].map((typed) =>
    nearest(typed, words)
  );
  assertEquals(found, ["input", "input", "input", "steps", "steps", "warmup-steps", "lr"]);
  for (const typed of ["", "x", "lx", "tokenizer", "inputs-of-many"]) assertEquals(nearest(typed, words), undefined);
  fc.assert(fc.property(fc.constantFrom(...words), (word) => nearest(word, words) === word), { seed: 6 });
});
