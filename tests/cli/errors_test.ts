import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { OptionError, UserError } from "../../lib/errors.ts";
import { PathExistsError } from "../../lib/io/rename_to_new.ts";
import { namingFile, namingFileSync, WriteError } from "../../lib/io/write_error.ts";
import { errorOf, failureOf } from "../../lib/io/worker_failure.ts";
import { PRESETS, validateModelConfig } from "../../lib/model/config.ts";
import { describeError, inCommandLine, UsageError } from "../../tasks/cli/errors.ts";
import type { FlagSpecs } from "../../tasks/cli/flags.ts";
import { runTask } from "../../tasks/cli/run.ts";
import { capture } from "./capture.ts";

const SAID = "Cannot sample: got temperature -1, must be 0 or more";

Deno.test("a mistake is one line and a fault keeps its stack, by the error's class and not by its words", () => {
  for (const error of [new UserError(SAID), new UsageError(SAID), new OptionError(SAID)]) {
    assertEquals(describeError(error), `error: ${SAID}`);
    assertEquals(describeError(errorOf(failureOf(error))), `error: ${SAID}`, "from a worker");
  }
  for (const error of [new RangeError(SAID), new Error(SAID), new TypeError(SAID)]) {
    assert(describeError(error).includes("errors_test.ts"), "its stack");
    assert(describeError(errorOf(failureOf(error))).includes("errors_test.ts"), "its stack, from a worker");
  }
  assertEquals(describeError("thrown text"), "error: thrown text");
});

Deno.test("a mistake is one line, of which a terminal obeys nothing, whatever it quotes", () => {
  assertEquals(
    describeError(new UserError("Cannot read a\n  b\x1b[2J\u202e: got")),
    "error: Cannot read a b\\u001b[2J\\u202e: got",
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 3000 }), (text) => {
      const line = describeError(new UserError(text));
      // deno-lint-ignore no-control-regex
      assert(!/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(line));
    }),
    { seed: 7 },
  );
  assert(describeError(new UserError("x".repeat(1e6))).length < 1100);
});

Deno.test("what the library says of a model's sizes is for the person who chose them", () => {
  let thrown: unknown;
  try {
    validateModelConfig({ ...PRESETS.tiny, vocabSize: 300, dModel: 129 });
  } catch (error) {
    thrown = error;
  }
  assert(thrown instanceof RangeError && describeError(thrown).split("\n").length === 1);
});

Deno.test({
  name: "a full disk names the file that was being written, in this thread or another",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    using file = await Deno.open("/dev/full", { write: true });
    const bytes = new Uint8Array(1);
    const errors = [
      await namingFile("out/ids.npy.bytelm-0123456789abcdef0123456789abcdef.tmp", () => file.write(bytes)).then(
        () => undefined,
        (error) => error,
      ),
      failing(() => namingFileSync("out/ids.npy", () => file.writeSync(bytes))),
    ];
    for (const error of errors) {
      assert(error instanceof WriteError);
      for (const told of [error, errorOf(failureOf(error))]) {
        assertEquals(
          describeError(told),
          'error: Cannot write out/ids.npy: got "No space left on device (os error 28)", must have room. ' +
            "Free some space on that disk",
        );
      }
    }
    const fault = new TypeError("x is not a function");
    assertEquals(failing(() => namingFileSync("x", () => raise(fault))), fault);
  },
});

Deno.test("runTask() gives 2 for the command line, 1 for the rest, and --help goes before all mistakes", async () => {
  const flags = { steps: { type: "integer" } } as const;
  const run = (body: () => void) => (args: string[]) => runTask({ name: "t", help: "how to", flags }, args, body);
  const nothing = run(() => {});
  assertEquals(await capture(nothing, "--steps", "1"), { code: 0, stdout: "", stderr: "" });
  assertEquals((await capture(nothing, "--step", "1")).code, 2);
  assertEquals(await capture(nothing, "--nonsense", "--help"), { code: 0, stdout: "how to\n", stderr: "" });
  assertEquals((await capture(run(() => raise(new OptionError(SAID))))).code, 2);
  assertEquals((await capture(run(() => raise(new UserError(SAID))))).code, 1);
  assertEquals((await capture(run(() => inCommandLine(() => raise(new UserError(SAID)))))).code, 2);
  assertEquals((await capture(run(() => inCommandLine(() => raise(new Error(SAID)))))).code, 1);
  assertEquals((await capture(run(() => raise(new UsageError(SAID))))).code, 2);
});

Deno.test("what is in the way is told with the flag that replaces it, by a task that has one", async () => {
  const task = { name: "t", help: "" };
  const body = () => Promise.reject(new PathExistsError("a/b"));
  const told = async (flags: FlagSpecs) => (await capture((args) => runTask({ ...task, flags }, args, body))).stderr;
  const message =
    "error: Cannot write a/b: got a path that already exists, must be a new one. Choose another place, or replace it";
  assertEquals(await told({}), `${message}\n`);
  assertEquals(await told({ force: { type: "boolean" } }), `${message} with --force\n`);
});

Deno.test("a mistake that nobody waits for ends the task in one line", async () => {
  const program = `
    import { runTask } from "./tasks/cli/run.ts";
    import { UserError } from "./lib/errors.ts";
    const task = { name: "t", help: "", flags: {} };
    Deno.exit(await runTask(task, [], async () => {
      Promise.reject(new UserError("Cannot go on: got this, must be that"));
      await new Promise((resolve) => setTimeout(resolve, 1e6));
    }));`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    cwd: new URL("../..", import.meta.url),
  }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [1, "error: Cannot go on: got this, must be that\n"]);
});

function raise(error: Error): never {
  throw error;
}

function failing(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}
