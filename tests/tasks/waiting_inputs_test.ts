// Tasks whose input keeps them waiting hear the first signal.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { toText } from "@std/streams";
import { parameterSpecs } from "../../lib/model/parameters.ts";
import { writeSafetensors } from "../../lib/formats/safetensors.ts";
import { initialWeights } from "../../lib/model/weights.ts";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { taskCommand } from "../harness/run_task.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. ".repeat(8);
const MODEL = { vocabSize: 264, contextLength: 16, dModel: 8, numLayers: 1, numHeads: 2, dFf: 8, ropeTheta: 10000 };

/** A directory with a run of an untrained model in `run`, and a named pipe. */
async function withRun(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await saveTokenizer(await trainBpe(TEXT, { vocabSize: 264 }), `${dir}/run`);
    await Deno.writeTextFile(`${dir}/run/config.json`, JSON.stringify({ model: MODEL }));
    const initial = initialWeights(MODEL, 1);
    const tensors = parameterSpecs(MODEL).map(({ name, shape }) => ({
      name,
      dtype: "F32" as const,
      shape,
      data: async () => await initial(name, shape),
    }));
    await writeSafetensors(`${dir}/run/model.safetensors`, tensors);
    assertEquals((await new Deno.Command("mkfifo", { args: [`${dir}/pipe`] }).output()).code, 0);
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Each task with the path of what it is to read. */
const READERS = (dir: string): Record<string, readonly [task: string, ...args: string[]]> => ({
  encode: ["encode", "--tokenizer", `${dir}/run`, "--out", `${dir}/out.npy`, "--input"],
  "train-bpe": ["train-bpe", "--vocab-size", "260", "--out", `${dir}/out-tok`, "--input"],
  data: ["data", "--out", `${dir}/out-data`, "--input"],
  evaluate: ["evaluate", "--run", `${dir}/run`, "--backend", "wasm", "--input"],
  "evaluate --memorisation": [
    "evaluate",
    ...["--run", `${dir}/run`, "--backend", "wasm", "--memorisation", "--num-samples", "1", "--max-tokens", "2"],
    "--corpus",
  ],
});

/** Sends SIGTERM once `started` says that the task reads, and expects it to end in good order. */
async function requireHeard(args: readonly string[], started: (process: Deno.ChildProcess) => Promise<Disposable>) {
  const [task, ...rest] = args;
  const process = taskCommand(task, rest, { stdin: "piped" }).spawn();
  // What the task is kept waiting by stays open until it has ended.
  using _ = await started(process);
  process.kill("SIGTERM");
  const [stdout, stderr, { code }] = await Promise.all([
    toText(process.stdout),
    toText(process.stderr),
    process.status,
  ]);
  assertEquals([code, stdout], [143, ""], stderr);
  assertStringIncludes(stderr, "error: Stopped by SIGTERM");
}

Deno.test({
  name: "one signal ends a task that waits for a pipe's next bytes",
  ignore: Deno.build.os === "windows",
  fn: (t) =>
    withRun(async (dir) => {
      for (const [name, args] of Object.entries(READERS(dir))) {
        await t.step(name, () =>
          requireHeard([...args, `${dir}/pipe`], async ({ stdin }) => {
            await stdin.close();
            // A pipe opens for writing when somebody has opened it for reading.
            return await Deno.open(`${dir}/pipe`, { write: true });
          }));
      }
    }),
});

Deno.test({
  name: "one signal ends a task that waits for standard input",
  ignore: Deno.build.os === "windows",
  fn: (t) =>
    withRun(async (dir) => {
      // More than a pipe holds: it goes through when the task reads.
      const text = new TextEncoder().encode(`${TEXT}\n`.repeat(1000));
      for (const [name, args] of Object.entries(READERS(dir))) {
        await t.step(name, () =>
          requireHeard([...args, "-"], async ({ stdin }) => {
            const writer = stdin.getWriter();
            await writer.write(text);
            return { [Symbol.dispose]: () => void writer.close().catch(() => {}) };
          }));
      }
    }),
});
