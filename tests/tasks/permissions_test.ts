import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { DECLARED_TASKS, runTaskProcess, taskCommand } from "../harness/run_task.ts";
import { UnreliableServer } from "../dataset/unreliable_server.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. ".repeat(200);
const SIZES = ["--context-length", "16", "--d-model", "8", "--num-layers", "1", "--num-heads", "2", "--d-ff", "8"];
const TRAINING = ["--batch-size", "2", "--steps", "2", "--backend", "wasm"];
const CORPUS = ["--train", "DIR/t.npy", "--tokenizer", "DIR/tok"];

/**
 * A small job for each task, in an order that gives each what it reads, then those of its flags that write or read more.
 * `DIR` stands for a directory of the test's. Nothing is granted but what deno.json declares.
 */
const JOBS: readonly (readonly [string, ...string[]])[] = [
  ["data", "--input", "DIR/text.txt", "--out", "DIR/data", "--separator", ". "],
  ["train-bpe", "--input", "DIR/text.txt", "--vocab-size", "265", "--out", "DIR/tok", "--tiktoken"],
  ["count", "--input", "DIR/text.txt", "--out", "DIR/words.count"],
  ["count", "--input", "DIR", "--include", "*.txt", "--out", "DIR/words2.count"],
  ["train-bpe", "--counts", "DIR/words.count", "--vocab-size", "265", "--out", "DIR/tok2"],
  ["encode", "--tokenizer", "DIR/tok", "--input", "DIR/text.txt", "--out", "DIR/t.npy"],
  ["encode", "--tokenizer", "DIR/tok", "--input", "DIR/text.txt", "--out", "DIR/shards", "--shard-size", "5KB"],
  ["decode", "--tokenizer", "DIR/tok", "--input", "DIR/t.npy"],
  ["convert", "--from", "DIR/t.npy", "--out", "DIR/t.bin", "--tokenizer", "DIR/tok"],
  ["inspect-tokenizer", "--tokenizer", "DIR/tok", "--text", "the cat"],
  ["compare-tokenizers", "--tokenizer", "DIR/tok", "--tokenizer", "DIR/tok2", "--input", "DIR/text.txt"],
  ["train-lm", ...CORPUS, "--out", "DIR/run", ...SIZES, ...TRAINING, "--sample-every", "1"],
  ["sweep", ...CORPUS, "--out", "DIR/sweep", ...SIZES, ...TRAINING, "--lr", "1e-3,1e-2"],
  ["generate", "--run", "DIR/run", "--prompt", "the", "--max-tokens", "3"],
  ["chat", "--run", "DIR/run", "--chat-template", "plain"],
  ["evaluate", "--run", "DIR/run", "--input", "DIR/text.txt"],
  ["evaluate", "--run", "DIR/run", "--memorisation", "--corpus", "DIR/text.txt", "--num-samples", "1"],
  ["export", "--run", "DIR/run", "--format", "hf", "--out", "DIR/hf"],
  ["export", "--run", "DIR/run", "--format", "gguf", "--out", "DIR/model.gguf"],
  ["import", "--from", "DIR/hf", "--out", "DIR/imported"],
  ["report", "--run", "DIR/run", "--out", "DIR/report.html"],
  ["account", "--model", "gpt2-small", "--svg", "DIR/account.svg"],
  ["account", "--hours", "1", "--data", "DIR/text.txt", "--tokenizer", "DIR/tok"],
  ["writeup", "--story", "DIR/text.txt", "--story-vocab-size", "265", "--out", "DIR/writeup.md"],
  ["doctor", "--size", "256"],
  ["bench", "tokenizer", "--text", "DIR/text.txt", "--vocab-size", "265", "--runs", "1"],
  ["profile-step", "--shape", "trial", "--runs=1", "--svg=DIR/step.svg", "--html=DIR/step.html", "--backend=wasm"],
  ["demo", "--steps", "1", "--out", "DIR/demo"],
  ["stress", "--minutes", "0.05", "--only", "round-trips", "--only", "contention", "--out", "DIR/stress.json"],
];

/** No adapter is found: a software GPU takes long. The tests of `doctor` and `generate` run them with one. */
const env = { DENO_WEBGPU_BACKEND: Deno.build.os === "windows" ? "metal" : "dx12" };

/** Tasks that never end by themselves, which other tests run as declared. */
const SERVERS = ["serve", "dashboard"];
/** A task that would change the project's own files. */
const BUILDERS = ["build-kernels"];
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

Deno.test("every task does its work with the permissions that deno.json declares", async (t) => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/text.txt`, TEXT);
    for (const [task, ...args] of JOBS) {
      await t.step([task, ...args].join(" "), async () => {
        const { code, stderr } = await runTaskProcess(task, args.map((arg) => arg.replace("DIR", dir)), undefined, env);
        assertEquals(code, 0, stderr);
        assert(!/Requires \w+ access/.test(stderr), stderr);
      });
    }
    await t.step("data --dataset, from a mirror", async () => {
      const text = await Deno.readFile(new URL("../../data/shakespeare.txt", import.meta.url));
      await using server = new UnreliableServer(text, []);
      const args = ["--dataset", "shakespeare", "--base-url", server.url, "--out", `${dir}/fetched`];
      const { code, stderr } = await runTaskProcess("data", args);
      assertEquals(code, 0, stderr);
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("build-kernels builds with the permissions that deno.json declares, in a copy of the project", async () => {
  const dir = await Deno.makeTempDir();
  try {
    for (const name of ["deno.json", "deno.lock", "lib", "tasks"]) {
      await Deno.symlink(`${ROOT}${name}`, `${dir}/${name}`);
    }
    await copyDirectory(`${ROOT}kernels`, `${dir}/kernels`);
    const built = `${dir}/kernels/simd/kernels.wasm.b64`;
    await Deno.writeTextFile(built, "");
    const { code, stderr } = await taskCommand("build-kernels", [], { cwd: dir }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    assert((await Deno.stat(built)).size > 0);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

async function copyDirectory(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyDirectory(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

Deno.test("every task is tried with the permissions it declares", () => {
  const tried = new Set(JOBS.map(([task]) => task));
  assertEquals([...DECLARED_TASKS.keys()].filter((name) => !tried.has(name)), [...SERVERS, ...BUILDERS]);
});

Deno.test("no task is permitted all, any variable of the environment, or to write where it writes nothing", () => {
  const READERS = [
    "decode",
    "inspect-tokenizer",
    "compare-tokenizers",
    "generate",
    "serve",
    "evaluate",
    "dashboard",
    "doctor",
  ];
  const VARIABLES = ["INIT_CWD", "npm_command", "XDG_RUNTIME_DIR", "BYTELM_INSTRUCTIONS", "CI"];
  /** For machine code on the CPU. */
  const COMPUTING = "demo train-lm sweep generate chat serve evaluate writeup doctor bench profile-step".split(" ");
  for (const [name, { flags }] of DECLARED_TASKS) {
    for (const flag of flags.filter((flag) => flag !== "--lock=deno.lock")) {
      const [, permission, values] = /^--allow-([a-z]+)(?:=(.+))?$/.exec(flag) ?? [];
      assert(["read", "write", "env", "net", "run", "sys", "ffi"].includes(permission), `${name} ${flag}`);
      if (permission === "env") {
        assert(values?.split(",").every((value) => VARIABLES.includes(value)), `${name} ${flag}`);
      }
      if (permission === "ffi") assert(COMPUTING.includes(name), `${name} ${flag}`);
      // For this machine's addresses, which --host prints.
      if (permission === "sys") assertEquals(values, SERVERS.includes(name) ? "networkInterfaces" : "cpus");
      if (permission === "write") assert(!READERS.includes(name), `${name} ${flag}`);
      // To serve on these; who connects to them reaches this machine.
      if (permission === "net") {
        const allowed = name === "bench" ? "127.0.0.1" : "127.0.0.1,0.0.0.0";
        assert(name === "data" || values === allowed, `${name} ${flag}`);
      }
      // bench starts the Python it is given; stress starts tasks as a user would, with the same Deno.
      if (permission === "run") assert(["bench", "stress"].includes(name), `${name} ${flag}`);
    }
  }
});
