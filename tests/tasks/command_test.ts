// The tasks as the command `bytelm`, run from any directory.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { VERSION } from "../../lib/version.ts";
import { TASKS } from "../../tasks/bytelm.ts";
import { launchWords } from "../../tasks/launch.ts";
import { DECLARED_TASKS, taskCommand } from "../harness/run_task.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const MISTAKE = { code: 2, stdout: "" };

async function run(command: Deno.Command): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await command.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** Runs `body` in a new directory with a text in it. */
async function withText(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.writeTextFile(join(directory, "text.txt"), "the cat sat on the mat. ".repeat(50));
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const TRAIN_BPE = ["--input", "text.txt", "--vocab-size", "260", "--out", "tokenizer"];

Deno.test("deno task takes relative paths from the directory that it is called in", async () => {
  await withText(async (directory) => {
    const args = ["task", "--quiet", "--config", join(ROOT, "deno.json"), "train-bpe", ...TRAIN_BPE];
    const called = await run(new Deno.Command(Deno.execPath(), { args, cwd: directory, env: { INIT_CWD: directory } }));
    assertEquals(called.code, 0, called.stderr);
    assert((await Deno.stat(join(directory, "tokenizer", "tokenizer.json"))).isFile);
  });
});

Deno.test("a task goes to INIT_CWD from the project's directory alone, and only where that is a directory", async () => {
  await withText(async (directory) => {
    const inProject = (env: Record<string, string>) => run(taskCommand("train-bpe", TRAIN_BPE, { env }));
    const gone = await inProject({ INIT_CWD: join(directory, "gone") });
    assertMatch(gone.stderr, /^error: Cannot read text\.txt: there is no such file/);
    const elsewhere = { cwd: directory, env: { INIT_CWD: ROOT } };
    const script = join(ROOT, DECLARED_TASKS.get("train-bpe")!.script);
    const args = ["run", "-A", "--config", join(ROOT, "deno.json"), script, ...TRAIN_BPE];
    const stays = await run(new Deno.Command(Deno.execPath(), { args, ...elsewhere }));
    assertEquals(stays.code, 0, stays.stderr);
    const there = await inProject({ INIT_CWD: directory });
    assertMatch(there.stderr, /^error: Cannot write tokenizer: it already exists/);
  });
});

Deno.test("hints repeat how the task was started", async () => {
  const hintOf = async (env: Record<string, string>) => {
    const { stderr } = await run(taskCommand("generate", [], { env }));
    return stderr.replace(/^.*See: /, "");
  };
  assertEquals(await hintOf({}), "deno task generate --help\n");
  assertEquals(await hintOf({ npm_command: "run-script" }), "deno task generate --help\n");
  assertEquals(await hintOf({ npm_command: "exec" }), "npx -y deno@2.9 task generate --help\n");
  const help = await run(taskCommand("generate", ["--help"], { env: { npm_command: "exec" } }));
  assertMatch(help.stdout, /^ {2}npx -y deno@2\.9 task generate --run out\/run /m);
});

Deno.test("bytelm has every task that is not for the project's own files", () => {
  assertEquals(Object.keys(TASKS), [...DECLARED_TASKS.keys()].filter((name) => name !== "build-kernels"));
  for (const [name, { flags }] of DECLARED_TASKS) {
    const granted = (words: readonly string[]) => words.filter((word) => word.startsWith("--allow-"));
    assertEquals(granted(launchWords([name, "--allow-all"]).slice(0, -1)), granted(flags));
  }
  for (const args of [[], ["--help"], ["constructor"], ["--allow-all"]]) {
    const words = launchWords(args);
    assertEquals(words.slice(1, words.length - args.length).filter((word) => word.startsWith("--allow-")), []);
  }
});

Deno.test({
  name: "bytelm, installed, runs tasks where the person stands, and passes on codes and signals",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withText(async (directory) => {
      const env = { PATH: `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}`, npm_command: "", INIT_CWD: "" };
      const install = ["install", "--global", "--quiet", "--root", directory, "--name", "bytelm", "--allow-run=deno"];
      const args = [...install, join(ROOT, "tasks", "launch.ts")];
      const installed = await run(new Deno.Command(Deno.execPath(), { args, env }));
      assertEquals(installed.code, 0, installed.stderr);
      const options = { cwd: directory, env, stdin: "null", stdout: "piped", stderr: "piped" } as const;
      const command = (...args: string[]) => new Deno.Command(join(directory, "bin", "bytelm"), { ...options, args });
      const bytelm = (...args: string[]) => run(command(...args));

      assertEquals((await bytelm("--version")).stdout, `bytelm ${VERSION}, Deno ${Deno.version.deno}\n`);
      const trained = await bytelm("train-bpe", ...TRAIN_BPE);
      assertEquals(trained.code, 0, trained.stderr);
      assert((await Deno.stat(join(directory, "tokenizer", "tokenizer.json"))).isFile);
      assertEquals(await bytelm("genrate"), {
        ...MISTAKE,
        stderr: "error: Cannot run bytelm: got genrate, must be one of its tasks (did you mean generate?). " +
          "See: bytelm --help\n",
      });
      assertEquals(await bytelm("generate"), {
        ...MISTAKE,
        stderr: "error: Cannot run generate: --run is required. See: bytelm generate --help\n",
      });
      assertMatch((await bytelm("encode", "--help")).stdout, /^ {2}bytelm encode --tokenizer out\/tokenizer /m);

      const server = command("dashboard", "--run", "run", "--port", "0").spawn();
      const reader = server.stdout.getReader();
      const { value } = await reader.read();
      assertMatch(new TextDecoder().decode(value), /http:/);
      server.kill("SIGTERM");
      assertEquals((await server.status).code, 0);
      await reader.cancel();
      await server.stderr.cancel();
    }),
});

Deno.test("bytelm lists its tasks in one line each", async () => {
  const [deno, ...args] = [Deno.execPath(), ...launchWords(["--help"])];
  const { code, stdout } = await run(new Deno.Command(deno, { args, env: { npm_command: "" } }));
  assertEquals(code, 0);
  const lines = stdout.split("\n");
  assertEquals(lines.filter((line) => line.length > 80), []);
  const listed = lines.flatMap((line) => /^ {2}([a-z-]+) {2,}\S/.exec(line)?.[1] ?? []);
  assertEquals(listed.filter((name) => !name.startsWith("-")), Object.keys(TASKS));
});
