// What tasks say of inputs that are not text, or none at all.
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { readNpy } from "../../lib/dataset/npy_file.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../lib/model/weights.ts";
import { saveWeights } from "../../lib/model/weights_file.ts";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { Evaluator } from "../../lib/evaluate/evaluator.ts";
import { main as compareTokenizers } from "../../tasks/compare_tokenizers.ts";
import { main as count } from "../../tasks/count.ts";
import { main as data } from "../../tasks/data.ts";
import { main as encode } from "../../tasks/encode.ts";
import { main as evaluate } from "../../tasks/evaluate.ts";
import { main as train } from "../../tasks/train_bpe.ts";
import { capture } from "../cli/capture.ts";
import { runTaskProcess } from "../harness/run_task.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. ".repeat(20);
const MODEL = { vocabSize: 280, contextLength: 16, dModel: 8, numLayers: 1, numHeads: 2, dFf: 8, ropeTheta: 10000 };

/** A directory with a tokenizer in `tok`, and a run of an untrained model in `run`. */
async function withRun(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const tokenizer = await trainBpe(TEXT, { vocabSize: 264 });
    await saveTokenizer(tokenizer, `${dir}/tok`);
    await saveTokenizer(tokenizer, `${dir}/run`);
    await Deno.writeTextFile(`${dir}/run/config.json`, JSON.stringify({ model: MODEL }));
    await using backend = await createWasmBackend({ workers: 1 });
    const model = new Transformer(MODEL);
    await Evaluator.create(backend, model, 1);
    await writeWeights(backend, model, initialWeights(MODEL, 1));
    await saveWeights(`${dir}/run/model.safetensors`, backend, model);
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Every task that reads text, with the flags that name an input. */
const READERS = (dir: string) =>
  ({
    encode: [encode, "--tokenizer", `${dir}/tok`, "--out", `${dir}/out.npy`, "--input"],
    count: [count, "--out", `${dir}/out.counts`, "--input"],
    "train-bpe": [train, "--vocab-size", "260", "--out", `${dir}/out-tok`, "--input"],
    data: [data, "--out", `${dir}/out-data`, "--input"],
    "compare-tokenizers": [compareTokenizers, "--tokenizer", `${dir}/tok`, "--input"],
    evaluate: [evaluate, "--run", `${dir}/run`, "--backend", "wasm", "--input"],
    corpus: [evaluate, "--run", `${dir}/run`, "--backend", "wasm", "--memorisation", "--corpus"],
    "held-out": [
      evaluate,
      ...["--run", `${dir}/run`, "--backend", "wasm", "--memorisation", "--corpus", `${dir}/tok/merges.txt`, "--input"],
    ],
  }) as const;

const outputs = (dir: string) =>
  Array.from(Deno.readDirSync(dir), ({ name, isDirectory }) => isDirectory ? `${name}/` : name)
    .filter((name) => name.startsWith("out") && name !== "out-data/").sort();

Deno.test("every task refuses an input that is not text, by name, and writes nothing", async (t) => {
  await withRun(async (dir) => {
    const zip = `${dir}/texts.zip`, packed = `${dir}/texts.txt.gz`;
    await Deno.writeFile(zip, new TextEncoder().encode("PK\x03\x04 and so on"));
    await Deno.writeFile(packed, new Uint8Array(gzipSync(crypto.getRandomValues(new Uint8Array(9000)))));
    for (const [name, [main, ...args]] of Object.entries(READERS(dir))) {
      await t.step(name, async () => {
        for (const [path, format] of [[zip, "a zip archive"], [packed, "binary data"]]) {
          const { code, stdout, stderr } = await capture(main, ...args, path);
          assertEquals([code, stdout], [1, ""]);
          assertMatch(stderr, new RegExp(`^error: Cannot read ${path}: got ${format}.*, must be text.*\n$`));
        }
        assertEquals(outputs(dir), []);
      });
    }
  });
});

Deno.test("no task takes an empty stdin for a text", async (t) => {
  await withRun(async (dir) => {
    const { encode, count, "train-bpe": train, data, evaluate } = READERS(dir);
    for (const [task, [, ...args]] of Object.entries({ encode, count, "train-bpe": train, data, evaluate })) {
      await t.step(task, async () => {
        const { code, stdout, stderr } = await runTaskProcess(task, [...args, "-"], "");
        assertEquals([code, stdout], [1, ""]);
        assertMatch(stderr, /^error: Cannot read standard input: got nothing, must hold at least one byte.*\n$/);
        assertEquals(outputs(dir), []);
      });
    }
  });
});

Deno.test("files without any text in them give no output", async () => {
  await withRun(async (dir) => {
    await Deno.mkdir(`${dir}/in`);
    await Deno.writeFile(`${dir}/in/a.gz`, new Uint8Array(gzipSync("")));
    await Deno.writeTextFile(`${dir}/in/b.jsonl`, '{"text":""}\n');
    for (const [main, ...args] of Object.values(READERS(dir)).slice(0, 5)) {
      const { code, stdout, stderr } = await capture(main, ...args, `${dir}/in`);
      assertEquals([code, stdout], [1, ""]);
      assertMatch(stderr, /\nerror: Cannot .+: there is no text in any of them|got 0 for validation/);
      assertEquals(outputs(dir), []);
    }
  });
});

Deno.test("a directory is said to be read: what of it, and what not; a glob chooses", async () => {
  await withRun(async (dir) => {
    await Deno.mkdir(`${dir}/in/.git`, { recursive: true });
    for (const name of ["a.txt", "b.txt", "c.md", ".git/config"]) await Deno.writeTextFile(`${dir}/in/${name}`, TEXT);
    await Deno.writeFile(`${dir}/in/d.zip`, new TextEncoder().encode("PK\x03\x04 and so on"));
    await Deno.symlink("a.txt", `${dir}/in/e.txt`);
    await Deno.symlink("nowhere", `${dir}/in/f.txt`);
    const [main, ...args] = READERS(dir).encode;
    const { code, stderr } = await capture(main, ...args, `${dir}/in`);
    assertEquals([code, stderr], [
      0,
      `Found 3 files of text, 2.88 kB: 2 .txt (1.92 kB), 1 .md (960 B)\n` +
      `skipped 1 hidden\n` +
      `skipped 1 read already\n` +
      `warning: skipped 1 file, a broken link: ${dir}/in/f.txt\n` +
      `warning: skipped 1 file, a zip archive or an office document: ${dir}/in/d.zip\n`,
    ]);
    const numIds = (await readNpy(`${dir}/out.npy`)).length;
    for (const [task, [main, ...args]] of Object.entries(READERS(dir)).slice(0, 5)) {
      const force = task === "compare-tokenizers" ? [] : ["--force"];
      const { code, stderr } = await capture(main, ...args, `${dir}/in`, "--include", "[ab].txt", ...force);
      // Two documents do not always fall into two parts.
      if (task !== "data") assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, "Found 2 files of text, 1.92 kB: 2 .txt (1.92 kB)\nskipped 1 hidden\n");
    }
    assertEquals((await readNpy(`${dir}/out.npy`)).length, numIds * 2 / 3);
    // Both may be given several times.
    for (const [task, [main, ...args]] of Object.entries(READERS(dir)).slice(0, 5)) {
      const chosen = ["--include", "*.txt", "--include", "*.md", "--exclude", "[ae].txt", "--exclude", "*.dat"];
      const force = task === "compare-tokenizers" ? [] : ["--force"];
      const { code, stderr } = await capture(main, ...args, `${dir}/in`, ...chosen, ...force);
      if (task !== "data") assertEquals(code, 0, stderr);
      assertStringIncludes(
        stderr,
        "Found 2 files of text, 1.92 kB: 1 .md (960 B), 1 .txt (960 B)\n" +
          "skipped 1 hidden\nskipped 2 excluded\n" +
          `warning: skipped 1 file, a broken link: ${dir}/in/f.txt\n` +
          "warning: nothing in the directories matches *.dat\n",
      );
    }
  });
});

Deno.test("what is read is said by kind, named or found; the rarest kinds are counted; --json has all of them", async () => {
  await withRun(async (dir) => {
    await Deno.mkdir(`${dir}/in`);
    const names = ["a.u8", "b.u8", "c.u8", "a.dat", "b.dat", "LICENSE", "a.md", "a.ts", "a.rs", "a.c"];
    for (const [i, name] of names.entries()) await Deno.writeTextFile(`${dir}/in/${name}`, TEXT.slice(0, 200 - 2 * i));
    for (let i = 0; i < 7; i++) await Deno.writeFile(`${dir}/in/${i}.bin`, new Uint8Array(100));
    const [main, ...args] = READERS(dir)["train-bpe"];
    const { code, stdout, stderr } = await capture(main, ...args.slice(0, -1), "--json", "--input", `${dir}/in`);
    assertEquals(
      [code, stderr],
      [
        0,
        "Found 10 files of text, 1.91 kB: 3 .u8 (594 B), 2 .dat (386 B), 1 without an ending (190 B), " +
        "1 .md (188 B), 1 .ts (186 B) and 2 other kinds\n" +
        `warning: skipped 7 files, binary data: ${
          [0, 1, 2, 3, 4].map((i) => `${dir}/in/${i}.bin`).join(", ")
        }, and 2 more\n`,
      ],
    );
    const { inputs } = JSON.parse(stdout);
    assertEquals(inputs.kinds.length, 7);
    assertEquals(inputs.kinds[1], { extension: ".dat", files: 2, bytes: 386 });
    assertEquals(inputs.skipped, [{ reason: "binary data", paths: 7 }]);
    const named = await capture(main, ...args, `${dir}/in/a.md`, `${dir}/in/LICENSE`, "--force");
    assertEquals(named.stderr, "Found 2 files of text, 378 B: 1 without an ending (190 B), 1 .md (188 B)\n");
    const one = await capture(main, ...args, `${dir}/in/a.md`, "--force");
    assertEquals([one.code, one.stderr], [0, ""]);
    await Deno.mkdir(`${dir}/none`);
    for (const name of ["0.bin", "1.bin"]) await Deno.copyFile(`${dir}/in/${name}`, `${dir}/none/${name}`);
    const none = await capture(main, ...args, `${dir}/none`, "--force");
    assertEquals(none.code, 1);
    assertStringIncludes(
      none.stderr,
      `there is no text in it (skipped ${dir}/none/0.bin: binary data, and 1 more)`,
    );
  });
});

Deno.test("evaluate reads packed text, JSON Lines and stdin as other tasks do", async () => {
  await withRun(async (dir) => {
    await Deno.writeTextFile(`${dir}/a.txt`, TEXT);
    await Deno.writeFile(`${dir}/a.txt.gz`, new Uint8Array(gzipSync(TEXT)));
    await Deno.writeTextFile(`${dir}/a.jsonl`, `{"body":${JSON.stringify(TEXT)}}\n`);
    const [main, ...args] = READERS(dir).evaluate;
    const score = async (path: string, ...more: string[]) => {
      const { code, stdout, stderr } = await capture(main, ...args, `${dir}/${path}`, "--json", ...more);
      assertEquals([code, stderr.replace(/^\d.*\n/gm, "")], [0, ""]);
      const { loss, tokens, bytes } = JSON.parse(stdout);
      return { loss, tokens, bytes };
    };
    const plain = await score("a.txt");
    assertEquals(await score("a.txt.gz"), plain);
    assertEquals(await score("a.jsonl", "--field", "body"), plain);
    const piped = await runTaskProcess("evaluate", [...args, "-", "--json"], TEXT);
    assertEquals(JSON.parse(piped.stdout).loss, plain.loss);
    const directory = await capture(main, ...args, `${dir}/tok`);
    assertStringIncludes(directory.stderr, "got a directory, must be a file");
  });
});

Deno.test("generate refuses a prompt from stdin that is not text", async () => {
  await withRun(async (dir) => {
    const args = ["--run", `${dir}/run`, "--backend", "wasm", "--prompt", "-"];
    const { code, stderr } = await runTaskProcess("generate", args, "PK\x03\x04 and so on");
    assertEquals(code, 1);
    assertStringIncludes(stderr, "Cannot read standard input: got a zip archive");
  });
});

Deno.test("every task answers JSON Lines without the field with the fields there are", async (t) => {
  await withRun(async (dir) => {
    await Deno.writeTextFile(`${dir}/a.jsonl`, `{"id":1,"body":${JSON.stringify(TEXT)}}\n`);
    for (const [name, [main, ...args]] of Object.entries(READERS(dir))) {
      if (name === "held-out") continue;
      await t.step(name, async () => {
        const { code, stdout, stderr } = await capture(main, ...args, `${dir}/a.jsonl`);
        assertEquals([code, stdout], [1, ""]);
        assertStringIncludes(stderr, 'got no text in "text". ');
        assertStringIncludes(stderr, 'Name the --field that has it; fields with text are "body"; others are "id"\n');
        assertEquals(outputs(dir), []);
      });
    }
  });
});

Deno.test("every task refuses --field where no input is JSON Lines, whose fields would be taken for text", async (t) => {
  await withRun(async (dir) => {
    await Deno.writeTextFile(`${dir}/a.json`, `{"body":${JSON.stringify(TEXT)}}\n`);
    for (const [name, [main, ...args]] of Object.entries(READERS(dir))) {
      if (name === "held-out") continue;
      await t.step(name, async () => {
        const { code, stdout, stderr } = await capture(main, ...args, `${dir}/a.json`, "--field", "body");
        assertEquals([code, stdout], [2, ""]);
        assertMatch(stderr, /^error: Cannot read --field body: there is no JSON Lines input.*\n$/);
        assertEquals(outputs(dir), []);
      });
    }
  });
});
