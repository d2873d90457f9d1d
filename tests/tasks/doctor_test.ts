import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { findAdapter, summarizeAdapter } from "../../lib/backend/webgpu/adapter.ts";
import { findNativeSupport } from "../../lib/backend/native/support.ts";
import { gpuTest } from "../harness/gpu.ts";
import { runTaskProcess } from "../harness/run_task.ts";

const NO_ADAPTER = { DENO_WEBGPU_BACKEND: Deno.build.os === "windows" ? "metal" : "dx12" };

/** As the task has the permission that it needs. */
const HAS_NATIVE = findNativeSupport().set !== undefined;
const ON_CPU = HAS_NATIVE ? "native" : "wasm";

gpuTest("doctor names the adapter, finds its kernels right, and measures the backends", async () => {
  const known = summarizeAdapter((await findAdapter()).adapter!);
  const { code, stdout, stderr } = await runTaskProcess("doctor", ["--json", "--size", "256"]);
  assertEquals([code, stderr], [0, ""]);
  const { adapter, selfTest, auto, matmul } = JSON.parse(stdout);
  assertEquals(adapter.description, known.description);
  assertEquals(selfTest.faults, []);
  assertEquals(auto.name, adapter.software ? ON_CPU : "webgpu");
  assertEquals(Object.keys(matmul.flopsPerSecond), ["webgpu", ...HAS_NATIVE ? ["native"] : [], "wasm"]);
  assert(Object.values<number>(matmul.flopsPerSecond).every((speed) => speed > 0));
});

Deno.test("doctor says what to install where there is no adapter", async () => {
  const { code, stdout } = await runTaskProcess("doctor", ["--size", "256"], undefined, NO_ADAPTER);
  assertEquals(code, 0);
  assertMatch(stdout, /^WebGPU adapter +none was found$/m);
  assertMatch(stdout, /^to get one +\S.+/m);
  assertMatch(stdout, new RegExp(`^--backend auto +${ON_CPU}: no WebGPU adapter was found; `, "m"));
  assertMatch(stdout, HAS_NATIVE ? /^native +machine code for AVX/m : /^native +none: got /m);
});

Deno.test("doctor explains that Mesa's program through OpenGL counts as no adapter, where that is all there is", async () => {
  const { code, stdout } = await runTaskProcess("doctor", ["--size", "256"], undefined, { DENO_WEBGPU_BACKEND: "gl" });
  assertEquals(code, 0);
  const [, found] = /^WebGPU adapter +(.*)$/m.exec(stdout)!;
  // A real GPU's driver may offer OpenGL as well, and many machines have none.
  if (!/llvmpipe|softpipe/.test(found)) return;
  assertMatch(found, /^none is usable: .* goes through OpenGL, where a kernel can take minutes to compile$/);
  assertMatch(stdout, /^to get one +\S.+/m);
  assertMatch(stdout, new RegExp(`^--backend auto +${ON_CPU}: no WebGPU adapter is usable`, "m"));
});

/** Starts the backend as a task would, twice; prints what Deno keeps for the project. */
const START = `
  import { startBackend } from "./tasks/cli/backend.ts";
  for (let i = 0; i < 2; i++) await (await startBackend("webgpu"))[Symbol.asyncDispose]();
  console.log(JSON.stringify(localStorage));`;

/** Runs a program in the project's root, with a directory of its own in which Deno keeps things. */
async function evaluate(program: string, denoDir: string): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    cwd: new URL("../..", import.meta.url),
    env: { DENO_DIR: denoDir },
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

gpuTest("starting a backend warns of a software adapter and remembers that its kernels are right", async () => {
  const denoDir = await Deno.makeTempDir();
  try {
    const { code, out, err } = await evaluate(START, denoDir);
    assertEquals(code, 0, err);
    const known = summarizeAdapter((await findAdapter()).adapter!);
    assertEquals(err.split("\n").filter((line) => line.startsWith("WARNING")).length, known.software ? 2 : 0);
    const passes: Record<string, string> = JSON.parse(out);
    assertEquals(Object.keys(passes).length, 1);
    const [[adapter, time]] = Object.entries(passes);
    assert(adapter.startsWith(known.description));
    // One that was noted long ago, or is damaged, is no pass: it is tested and noted again.
    for (const stale of ["0", "x"]) {
      await evaluate(`localStorage.setItem(${JSON.stringify(adapter)}, "${stale}")`, denoDir);
      const again: Record<string, string> = JSON.parse((await evaluate(START, denoDir)).out);
      assert(JSON.parse(again[adapter]).at >= JSON.parse(time).at, again[adapter]);
    }
  } finally {
    await Deno.remove(denoDir, { recursive: true });
  }
});

gpuTest("what doctor found right is not tried again when a task starts", async () => {
  const denoDir = await Deno.makeTempDir();
  try {
    const { code, stdout, stderr } = await runTaskProcess("doctor", ["--size", "256"], undefined, {
      DENO_DIR: denoDir,
    });
    assertEquals(code, 0, stderr);
    const noted = async (program: string) => JSON.parse((await evaluate(program, denoDir)).out);
    const passes = await noted("console.log(JSON.stringify(localStorage))");
    assertEquals(Object.keys(passes).length, /^kernels in f16 +all right/m.test(stdout) ? 2 : 1);
    assertEquals(await noted(START), passes);
  } finally {
    await Deno.remove(denoDir, { recursive: true });
  }
});

Deno.test("doctor says why there is no machine code without the permission, and leaves AVX-512 out where it is told to", async () => {
  const env = { ...NO_ADAPTER, BYTELM_INSTRUCTIONS: "avx2" };
  const told = await runTaskProcess("doctor", ["--size", "256"], undefined, env);
  if (HAS_NATIVE) assertMatch(told.stdout, /^native +machine code for AVX2, /m);
  const wrong = await runTaskProcess("doctor", [], undefined, { ...env, BYTELM_INSTRUCTIONS: "sse" });
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "Cannot use the variable BYTELM_INSTRUCTIONS: got sse, must be avx512 or avx2");
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-read", "--allow-env", "tasks/doctor.ts", "--size", "256"],
    cwd: new URL("../..", import.meta.url),
    env: NO_ADAPTER,
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (Deno.build.arch === "x86_64") assertMatch(text, /^native +none: got no permission for FFI, must be permitted/m);
  assertMatch(text, /^--backend auto +wasm: .*; no machine code: got /m);
});
