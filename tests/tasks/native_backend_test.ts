import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { findNativeSupport } from "../../lib/backend/native/support.ts";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { sha256OfFile } from "../../lib/io/sha256.ts";
import { Random } from "../harness/random.ts";
import { DECLARED_TASKS, runTaskProcess } from "../harness/run_task.ts";

const { unsupported } = findNativeSupport();
const missing = unsupported === undefined ? "" : ` [got ${unsupported.got}]`;

const MODEL = "--vocab-size 61 --context-length 24 --d-model 40 --num-layers 2 --num-heads 2 --d-ff 72".split(" ");
const TRAINING = "--batch-size 3 --steps 8 --save-every 4 --seed 5".split(" ");

/** Runs train-lm as deno.json does, but without the permission for machine code. */
async function trainWithoutFfi(args: readonly string[]): Promise<{ code: number; stderr: string }> {
  const { script, flags } = DECLARED_TASKS.get("train-lm")!;
  assert(flags.includes("--allow-ffi"), "the task is to have the permission that is taken away here");
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...flags.filter((flag) => flag !== "--allow-ffi"), script, ...args],
    cwd: new URL("../..", import.meta.url),
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

async function withTokens(body: (dir: string, args: string[]) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await writeNpy(`${dir}/train.npy`, Uint16Array.from(new Random(9).integers(900, 61)));
    await body(dir, ["--train", `${dir}/train.npy`, ...MODEL, ...TRAINING]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test({
  name: `train-lm --backend native: a run gives the same bits twice, and is resumed on native alone${missing}`,
  ignore: unsupported !== undefined,
  fn: async () => {
    await withTokens(async (dir, args) => {
      const native = [...args, "--backend", "native"];
      for (const name of ["one", "two"]) {
        const { code, stderr } = await runTaskProcess("train-lm", [...native, "--out", `${dir}/${name}`]);
        assertEquals(code, 0, stderr);
      }
      const weights = await Promise.all(["one", "two"].map((name) => sha256OfFile(`${dir}/${name}/model.safetensors`)));
      assertEquals(weights[0], weights[1]);
      assertEquals(JSON.parse(await Deno.readTextFile(`${dir}/one/config.json`)).backend, "native");

      // As if it had been killed before its end.
      await Deno.remove(`${dir}/one/model.safetensors`);
      const resumed = await trainWithoutFfi(["--resume", `${dir}/one`]);
      assertEquals(resumed.code, 1, resumed.stderr);
      assertStringIncludes(resumed.stderr, "Cannot use machine code: got no permission for FFI");
    });
  },
});

Deno.test("train-lm --backend native without permission, or on another processor: one line says which", async () => {
  await withTokens(async (dir, args) => {
    const { code, stderr } = await trainWithoutFfi([...args, "--out", `${dir}/run`, "--backend", "native"]);
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /^error: Cannot use machine code: got [^\n]*, must be [^\n]*, or use --backend wasm\n$|Use --backend wasm\n$/,
    );
    if (Deno.build.arch === "x86_64") {
      assertStringIncludes(
        stderr,
        "got no permission for FFI, must be permitted to use it. Run Deno with allow-ffi, or",
      );
    }
  });
});
