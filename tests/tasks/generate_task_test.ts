import { assert, assertEquals, assertMatch } from "@std/assert";
import { parameterSpecs } from "../../lib/model/parameters.ts";
import { writeSafetensors } from "../../lib/formats/safetensors.ts";
import { initialWeights } from "../../lib/model/weights.ts";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { RUN_FILES } from "../../lib/run/run_directory.ts";
import { runTaskProcess, taskCommand, type TaskResult } from "../harness/run_task.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. ".repeat(8);
const SHAPE = { contextLength: 16, dModel: 12, numLayers: 1, numHeads: 2, dFf: 20, ropeTheta: 10000 };

/**
 * A run directory as train-lm leaves it, with weights that were not trained: any text is as likely as another.
 * @param more Rows that the model has beyond the tokenizer's tokens, and a number that stands in place of one weight.
 */
async function withRun(
  body: (run: string) => Promise<void>,
  { rows = 0, spoilt }: { readonly rows?: number; readonly spoilt?: number } = {},
): Promise<void> {
  const run = await Deno.makeTempDir();
  try {
    const tokenizer = await trainBpe(TEXT, { vocabSize: 270 });
    await saveTokenizer(tokenizer, run);
    const model = { ...SHAPE, vocabSize: tokenizer.vocabSize + rows };
    await Deno.writeTextFile(`${run}/config.json`, JSON.stringify({ model }));
    const initial = initialWeights(model, 3);
    const weights = async (name: string, shape: readonly number[]) => {
      const values = await initial(name, shape);
      if (spoilt !== undefined && name === "ln_final.weight") values[5] = spoilt;
      return values;
    };
    const tensors = parameterSpecs(model).map(({ name, shape }) => ({
      name,
      dtype: "F32" as const,
      shape,
      data: () => weights(name, shape),
    }));
    await writeSafetensors(`${run}/model.safetensors`, tensors);
    await body(run);
  } finally {
    await Deno.remove(run, { recursive: true });
  }
}

/** Runs generate on the wasm backend, with temperature 1. */
async function generate(run: string, args: readonly string[], stdin?: string): Promise<TaskResult> {
  const length = args.includes("--max-tokens") ? [] : ["--max-tokens", "40"];
  const common = ["--run", run, "--backend", "wasm", "--temperature", "1", ...length];
  return await runTaskProcess("generate", [...common, ...args], stdin);
}

async function textOf(run: string, args: readonly string[], stdin?: string): Promise<string> {
  const { code, stdout, stderr } = await generate(run, args, stdin);
  assertEquals(code, 0, stderr);
  return stdout;
}

Deno.test("generate: each of several samples is the text that its seed gives alone", async () => {
  await withRun(async (run) => {
    const prompt = ["--prompt", "the cat"];
    const alone = [];
    for (const seed of ["7", "8", "9"]) alone.push(await textOf(run, [...prompt, "--seed", seed]));
    const together = await textOf(run, [...prompt, "--seed", "7", "--num-samples", "3"]);
    assertEquals(together, alone.map((text, i) => `--- seed ${7 + i}\n${text}`).join("\n"));
    // More than go through the model together.
    const many = await textOf(run, [...prompt, "--seed", "7", "--num-samples", "18", "--max-tokens", "3"]);
    assertEquals([...many.matchAll(/^--- seed (\d+)$/gm)].map(([, seed]) => Number(seed)), range(7, 25));
  });
});

Deno.test("generate: weights in int8 give a text, and the same one each time", async () => {
  await withRun(async (run) => {
    const args = ["--prompt", "the cat", "--weights-dtype", "int8"];
    const text = await textOf(run, args);
    assertMatch(text, /^the cat/);
    assertEquals(await textOf(run, args), text);
  });
});

Deno.test("generate: without a prompt, a text begins as a document does", async () => {
  await withRun(async (run) => {
    const after = await textOf(run, ["--prompt", "<|endoftext|>"]);
    for (const none of [[], ["--prompt", ""]]) assertEquals(`<|endoftext|>${await textOf(run, none)}`, after);
  });
});

Deno.test("generate: a prompt from stdin, one of several lines too, is as one that is typed", async () => {
  await withRun(async (run) => {
    for (const prompt of ["the cat", "the\ndog sat", "the dog\n"]) {
      const typed = await textOf(run, ["--prompt", prompt]);
      assert(typed.startsWith(prompt), typed);
      assertEquals(await textOf(run, ["--prompt", "-"], `${prompt}\n`), typed);
    }
  });
});

Deno.test("generate --interactive continues each line up to an empty one or the end", async () => {
  await withRun(async (run) => {
    const [cat, dog] = [await textOf(run, ["--prompt", "the cat"]), await textOf(run, ["--prompt", "the dog"])];
    assertEquals(await textOf(run, ["--interactive"], "the cat\nthe dog\n"), cat + dog);
    assertEquals(await textOf(run, ["--interactive"], "the cat\nthe dog"), cat + dog);
    assertEquals(await textOf(run, ["--interactive"], "the dog\n\nthe cat\n"), dog);
    assertEquals(await textOf(run, ["--interactive"], ""), "");
  });
});

Deno.test("generate ends a text before a stop string, each sample for itself", async () => {
  await withRun(async (run) => {
    const whole = await textOf(run, ["--prompt", "the cat", "--num-samples", "3"]);
    const samples = whole.split(/^--- seed \d+\n/m).slice(1).map((text) => text.slice("the cat".length, -1));
    const stop = /[a-z]{2}/.exec(samples[1].slice(5))![0];
    const cut = (text: string) => text.includes(stop) ? text.slice(0, text.indexOf(stop)) : text.trimEnd();
    const stopped = await textOf(run, ["--prompt", "the cat", "--num-samples", "3", "--stop", stop, "--stop", "zzzz"]);
    const texts = stopped.split(/^--- seed \d+\n/m).slice(1).map((text) => text.slice("the cat".length));
    assert(cut(samples[1]).length < samples[1].length);
    for (const [i, text] of texts.entries()) assertEquals(text.trimEnd(), cut(samples[i]).trimEnd(), `sample ${i}`);
  });
});

Deno.test("generate prints a text as it is made", async () => {
  await withRun(async (run) => {
    // The likeliest tokens go round in circles and never end the text; nor would so many tokens in our lifetime.
    const endless = ["--temperature", "0", "--max-tokens", "1000000000"];
    const args = ["--run", run, "--backend", "wasm", "--prompt", "the cat", ...endless];
    const process = taskCommand("generate", args, { stdin: "null", stderr: "null" }).spawn();
    const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let printed = "";
    while (printed.length < 1000) printed += (await reader.read()).value ?? fail("the task ended");
    process.kill("SIGKILL");
    assertEquals((await process.status).signal, "SIGKILL");
    await reader.cancel();
    assert(printed.startsWith("the cat"), printed);
  });
});

Deno.test("generate says what is wrong, and prints nothing else", async (t) => {
  await withRun(async (run) => {
    const mistakes: readonly [name: string, args: readonly string[], says: RegExp, code: number, stdin?: string][] = [
      ["an empty prompt from stdin", ["--prompt", "-"], /got an empty prompt/, 1, "\n"],
      ["two kinds of prompt", ["--prompt", "x", "--interactive"], /got --prompt and --interactive/, 2],
      ["top-p 0", ["--prompt", "x", "--top-p", "0"], /got --top-p 0, must be a number above 0 and at most 1/, 2],
      ["min-p above 1", ["--prompt", "x", "--min-p", "2"], /got --min-p 2/, 2],
      ["no tokens", ["--prompt", "x", "--max-tokens", "0"], /--max-tokens 0/, 2],
      ["no best weights", ["--prompt", "x", "--weights", "best"], /there is no .*best\.safetensors/, 1],
    ];
    for (const [name, args, says, code, stdin] of mistakes) {
      await t.step(name, async () => requireError(await generate(run, args, stdin), says, code));
    }
    await t.step("weights that lost their end", async () => {
      const path = `${run}/model.safetensors`;
      await Deno.truncate(path, (await Deno.stat(path)).size - 5);
      requireError(await generate(run, ["--prompt", "x"]), /model\.safetensors: got .*must be/, 1);
    });
  });
});

function requireError({ code, stdout, stderr }: TaskResult, says: RegExp, expected: number): void {
  assertMatch(stderr, /^error: Cannot [^:]+: .{15,}/m);
  assertMatch(stderr, says);
  assertEquals([code, stdout], [expected, ""]);
}

function fail(problem: string): never {
  throw new Error(problem);
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

Deno.test("generate: a model with more rows than its tokenizer has tokens draws tokens alone", async () => {
  await withRun(async (run) => {
    // Nine of ten rows stand for no token.
    const options = ["--prompt", "the cat", "--num-samples", "3", "--top-p", "1"];
    assertMatch(await textOf(run, options), /^--- seed 0\nthe cat/);
  }, { rows: 2430 });
});

Deno.test("generate: weights that are NaN, and options that leave no token, are named in one line", async () => {
  await withRun(async (run) => {
    const { code, stdout, stderr } = await generate(run, ["--prompt", "the cat"]);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^error: Cannot load ln_final\.weight from \S+: got 1 of 12 weights that are NaN[^\n]+\n$/);
  }, { spoilt: NaN });
  await withRun(async (run) => {
    const tiny = await generate(run, ["--prompt", "the cat", "--repetition-penalty", "1e-300"]);
    assertEquals([tiny.code, tiny.stdout], [2, ""]);
    assertMatch(
      tiny.stderr,
      /^error: Cannot run generate: got --repetition-penalty 1e-300, must be [^\n]* 0\.000001 [^\n]*--help\n$/,
    );
    const empty = await generate(run, ["--prompt", "the cat", "--stop", ""]);
    assertEquals([empty.code, empty.stdout], [2, ""]);
  });
});

Deno.test("generate and evaluate: where a run has but its best weights, as one that diverged may, these are named", async () => {
  await withRun(async (run) => {
    const { weights, best } = RUN_FILES;
    await Deno.rename(`${run}/${weights}`, `${run}/${best}`);
    await Deno.writeTextFile(`${run}/text.txt`, TEXT);
    const tasks = [
      ["generate", ["--run", run, "--backend", "wasm", "--prompt", "the cat", "--max-tokens", "3"]],
      ["evaluate", ["--run", run, "--backend", "wasm", "--input", `${run}/text.txt`]],
    ] as const;
    for (const [task, args] of tasks) {
      const { code, stderr } = await runTaskProcess(task, args);
      assertEquals(code, 1);
      assertEquals(
        stderr,
        `error: Cannot load weights of ${run}: there is no ${run}/${weights}. Use the best weights: ` +
          `--weights best\n`,
      );
      const again = await runTaskProcess(task, [...args, "--weights", "best"]);
      assertEquals(again.code, 0, again.stderr);
    }
    await Deno.remove(`${run}/${best}`);
    const none = await runTaskProcess(...tasks[0]);
    assertMatch(
      none.stderr,
      /^error: Cannot load weights of .* Resume its training or, if it diverged, start another run$/m,
    );
  });
});

Deno.test("generate: a prompt that is not UTF-8, or starts with a byte order mark, goes in and comes out as it is", async () => {
  await withRun(async (run) => {
    for (const prompt of [[0x74, 0x68, 0x65, 0x20, 0xff], [0xef, 0xbb, 0xbf, 0x74, 0x68, 0x65]]) {
      for (const how of [["--prompt", "-"], ["--interactive"]]) {
        const args = ["--run", run, "--backend", "wasm", "--max-tokens", "1", ...how];
        const process = taskCommand("generate", args, { stdin: "piped", stderr: "null" }).spawn();
        const writer = process.stdin.getWriter();
        await writer.write(Uint8Array.from([...prompt, 0x0a]));
        await writer.close();
        const { code, stdout } = await process.output();
        assertEquals([code, [...stdout.subarray(0, prompt.length)]], [0, prompt]);
      }
    }
  });
});
