import { assert, assertEquals, assertMatch } from "@std/assert";
import { findAdapter, summarizeAdapter } from "../../lib/backend/webgpu/adapter.ts";
import { gpuTest } from "../harness/gpu.ts";

/** Runs Deno in the project's root with nothing in the environment but what a task needs, and a cache of its own. */
async function deno(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: new URL("../..", import.meta.url),
    env,
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

const DOCTOR = ["run", "--quiet", "--allow-read", "--allow-write", "--allow-env", "tasks/doctor.ts"];
const NO_ADAPTER = { DENO_WEBGPU_BACKEND: Deno.build.os === "windows" ? "metal" : "dx12" };

gpuTest("doctor names the adapter, finds its kernels right, and measures both backends", async () => {
  const known = summarizeAdapter((await findAdapter()).adapter!);
  const { code, out, err } = await deno([...DOCTOR, "--json", "--size", "128"], {});
  assertEquals([code, err], [0, ""]);
  const { adapter, selfTest, auto, matmul } = JSON.parse(out);
  assertEquals(adapter.description, known.description);
  assertEquals(selfTest.faults, []);
  assertEquals(auto.name, adapter.software ? "wasm" : "webgpu");
  assertEquals(Object.keys(matmul.flopsPerSecond), ["webgpu", "wasm"]);
  assert(Object.values<number>(matmul.flopsPerSecond).every((speed) => speed > 0));
});

Deno.test("doctor says what to install where there is no adapter", async () => {
  const { code, out } = await deno([...DOCTOR, "--size", "64"], NO_ADAPTER);
  assertEquals(code, 0);
  assertMatch(out, /^WebGPU adapter +none was found$/m);
  assertMatch(out, /^to get one +\S.+/m);
  assertMatch(out, /^--backend auto +wasm: no WebGPU adapter was found$/m);
});

/** Starts the backend as a task would, twice. */
const START = `
  import { startBackend } from "./tasks/cli/backend.ts";
  for (let i = 0; i < 2; i++) await (await startBackend("webgpu"))[Symbol.asyncDispose]();`;

gpuTest("starting a backend warns of a software adapter and remembers that its kernels are right", async () => {
  const cache = await Deno.makeTempDir();
  try {
    const env = { XDG_CACHE_HOME: cache, HOME: cache, LOCALAPPDATA: cache };
    const { code, err } = await deno(["eval", START], env);
    assertEquals(code, 0, err);
    const known = summarizeAdapter((await findAdapter()).adapter!);
    assertEquals(err.split("\n").filter((line) => line.startsWith("WARNING")).length, known.software ? 2 : 0);
    const file = Deno.build.os === "darwin" ? `${cache}/Library/Caches` : cache;
    const passes = JSON.parse(await Deno.readTextFile(`${file}/bytelm/self_test.json`));
    assertEquals(Object.keys(passes).length, 1);
    assert(Object.keys(passes)[0].startsWith(known.description));
    // A file that is damaged is a file without passes.
    await Deno.writeTextFile(`${file}/bytelm/self_test.json`, "{");
    assertEquals((await deno(["eval", START], env)).code, 0);
    assertEquals(Object.keys(JSON.parse(await Deno.readTextFile(`${file}/bytelm/self_test.json`))).length, 1);
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});
