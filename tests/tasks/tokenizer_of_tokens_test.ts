import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { main as decode } from "../../tasks/decode.ts";
import { main as encode } from "../../tasks/encode.ts";
import { main as generate } from "../../tasks/generate.ts";
import { main as sweep } from "../../tasks/sweep.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { capture } from "../cli/capture.ts";
import { runTaskProcess } from "../harness/run_task.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. ".repeat(50);
const TINY = "--context-length 16 --d-model 8 --num-layers 1 --num-heads 2 --d-ff 8 --batch-size 2 --backend wasm"
  .split(" ");

/** Two tokenizers of one size, and the same text encoded with each, whole and in shards. */
async function withTokenFiles(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/text.txt`, TEXT);
    await saveTokenizer(await trainBpe(TEXT, { vocabSize: 265 }), `${dir}/english`);
    await saveTokenizer(await trainBpe(TEXT.replaceAll("t", "x"), { vocabSize: 265 }), `${dir}/other`);
    for (const name of ["english", "other"]) {
      const args = ["--tokenizer", `${dir}/${name}`, "--input", `${dir}/text.txt`, "--out"];
      assertEquals((await capture(encode, ...args, `${dir}/${name}.npy`)).code, 0);
      assertEquals((await capture(encode, ...args, `${dir}/${name}_shards`, "--shard-size", "1000")).code, 0);
    }
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("token ids are not used with another tokenizer than their own", () =>
  withTokenFiles(async (dir) => {
    const english = ["--tokenizer", `${dir}/english`];
    const refused = async (task: (args: string[]) => Promise<number>, ...args: string[]) => {
      const { code, stderr } = await capture(task, ...args);
      assertEquals(code, 1, stderr);
      const error = stderr.trimEnd().split("\n").at(-1)!;
      assertMatch(error, /^error: Cannot use .*other.* with the tokenizer .*\/english".*: got token ids of .*\/other"/);
      assert(![...Deno.readDirSync(dir)].some(({ name }) => name === "run"), "a run was begun");
    };
    const out = ["--out", `${dir}/run`, ...TINY];
    for (const tokens of [`${dir}/other.npy`, `${dir}/other_shards.index.json`]) {
      await refused(decode, ...english, "--input", tokens);
      await refused(trainLm, ...english, "--train", tokens, ...out);
      await refused(trainLm, ...english, "--train", `${dir}/english.npy`, "--valid", tokens, ...out);
      await refused(sweep, ...english, "--train", tokens, ...out, "--lr", "1e-3,1e-4");
    }
    const apart = ["--train", `${dir}/english.npy`, "--valid", `${dir}/other.npy`, "--vocab-size", "265"];
    for (const [task, ...more] of [[trainLm], [sweep, "--lr", "1e-3,1e-4"]] as const) {
      const { code, stderr } = await capture(task, ...apart, ...out, ...more);
      assertEquals(code, 1);
      assertMatch(stderr, /^error: Cannot use .*english.npy and .*other.npy together/m);
    }
  }));

Deno.test("a file that says nothing of its tokenizer is used with a warning", () =>
  withTokenFiles(async (dir) => {
    await Deno.copyFile(`${dir}/other.npy`, `${dir}/bare.npy`);
    const warning = `warning: ${dir}/bare.npy does not say which tokenizer made it`;
    const run = [
      "--train",
      `${dir}/bare.npy`,
      "--valid",
      `${dir}/english.npy`,
      "--out",
      `${dir}/run`,
      ...TINY,
      "--steps",
      "1",
    ];
    const { code, stderr } = await capture(trainLm, "--tokenizer", `${dir}/english`, ...run);
    assertEquals(code, 0, stderr);
    assertEquals(stderr.split(warning).length, 2, stderr);
    const decoded = await runTaskProcess("decode", ["--tokenizer", `${dir}/other`, "--input", `${dir}/bare.npy`]);
    assertEquals([decoded.code, decoded.stdout], [0, TEXT]);
    assertStringIncludes(decoded.stderr, warning);
    const known = await runTaskProcess("decode", [
      "--tokenizer",
      `${dir}/other`,
      "--input",
      `${dir}/other_shards.index.json`,
    ]);
    assertEquals(known, { code: 0, stdout: TEXT, stderr: "" });
  }));

Deno.test("a run remembers the tokenizer of its data: another one in its place is refused", () =>
  withTokenFiles(async (dir) => {
    const files = ["--train", `${dir}/english.npy`, "--tokenizer", `${dir}/english`, "--out", `${dir}/run`];
    const options = ["--steps", "1", "--sample-every", "1", "--sample-tokens", "2"];
    const trained = await capture(trainLm, ...files, ...TINY, ...options);
    assertEquals(trained.code, 0, trained.stderr);
    await Deno.copyFile(`${dir}/other/tokenizer.json`, `${dir}/run/tokenizer.json`);
    const { code, stderr } = await capture(generate, "--run", `${dir}/run`, "--prompt", "x", "--backend", "wasm");
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /^error: Cannot use run .*\/run: got a tokenizer .* must be that of the tokens it is trained on, .*\/english"/,
    );
    await Deno.remove(`${dir}/run/model.safetensors`);
    const resumed = await capture(trainLm, "--resume", `${dir}/run`);
    assertEquals(resumed.code, 1);
    assertMatch(resumed.stderr, /^error: Cannot use run/m);
  }));

Deno.test("ids in rows are read as one row, and said to be; none at all are an error", () =>
  withTokenFiles(async (dir) => {
    const bytes = await Deno.readFile(`${dir}/english.npy`);
    const header = new TextDecoder("latin1").decode(bytes.subarray(0, 128));
    const count = Number(/\((\d+),\)/.exec(header)![1]);
    const shaped = (shape: string) =>
      new TextEncoder().encode(header.slice(10).replace(/\(\d+,\)/, shape).slice(0, 118));
    bytes.set(shaped(`(1, ${count})`), 10);
    await Deno.writeFile(`${dir}/rows.npy`, bytes);
    const args = ["--tokenizer", `${dir}/english`, "--input"];
    const rows = await runTaskProcess("decode", [...args, `${dir}/rows.npy`]);
    assertEquals([rows.code, rows.stdout], [0, TEXT]);
    assertStringIncludes(rows.stderr, `warning: ${dir}/rows.npy has 1 rows of ${count} ids; they are read as one row`);
    bytes.set(shaped("(3, 0)"), 10);
    await Deno.writeFile(`${dir}/rows.npy`, bytes.subarray(0, 128));
    const none = await capture(decode, ...args, `${dir}/rows.npy`);
    assertEquals(none.code, 1);
    assertMatch(none.stderr, /error: Cannot decode .*rows.npy: it holds no token ids/);
    const train = ["--train", `${dir}/rows.npy`, "--vocab-size", "265", "--out", `${dir}/run`, ...TINY];
    const trained = await capture(trainLm, ...train);
    assertEquals(trained.code, 1);
    assertMatch(trained.stderr, /error: Cannot draw windows from .*rows.npy: got 0 tokens, must be at least 17/);
  }));
