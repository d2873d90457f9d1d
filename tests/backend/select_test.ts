import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { findNativeSupport } from "../../lib/backend/native/support.ts";
import { type BackendChoice, chooseBackend, createBackend } from "../../lib/backend/select.ts";
import { WebGpuBackend } from "../../lib/backend/webgpu.ts";
import { findAdapter, summarizeAdapter } from "../../lib/backend/webgpu/adapter.ts";
import { UserError } from "../../lib/errors.ts";
import { reference } from "../harness/backends.ts";
import { gpuTest } from "../harness/gpu.ts";
import { linearTolerances, randomLinear } from "../harness/linear_case.ts";
import { assertOpMatchesReference } from "../harness/op_case.ts";

await reference();

/** What auto takes where there is no GPU. */
const ON_CPU = findNativeSupport().set === undefined ? "wasm" : "native";

Deno.test("createBackend makes the wasm backend with as many workers as asked for", async () => {
  await using backend = await createBackend("wasm", { workers: 2 });
  assertEquals(backend.name, "wasm");
  assertStringIncludes(backend.description, "2 workers");
});

Deno.test("createBackend refuses a name that is no backend's", async () => {
  for (const name of ["cuda:99", "WASM", "WebGPU", " wasm", "", "constructor", "x".repeat(100_000)]) {
    const { message } = await assertRejects(
      () => createBackend(name as BackendChoice),
      RangeError,
      "Cannot make a backend",
    );
    assertStringIncludes(message, "must be auto, webgpu, native, wasm");
    assert(message.length < 200, `a message of ${message.length} characters`);
  }
});

gpuTest("createBackend takes any adapter where webgpu is asked for", async () => {
  await using backend = await createBackend("webgpu");
  assert(backend instanceof WebGpuBackend);
  assertEquals(backend.description.includes("on the CPU"), backend.adapter.software);
});

gpuTest("auto takes a GPU, but not a software adapter, and says why", async () => {
  const { description, software } = summarizeAdapter((await findAdapter()).adapter!);
  const { name, reason } = await chooseBackend();
  assertEquals(name, software ? ON_CPU : "webgpu");
  assertStringIncludes(reason, description);
  await using backend = await createBackend("auto");
  assertEquals(backend.name, name);
});

gpuTest("createBackend and chooseBackend ask the WebGPU that they are given, and no other", async () => {
  const asked: (GPURequestAdapterOptions | undefined)[] = [];
  const gpu = {
    requestAdapter: (options?: GPURequestAdapterOptions) => {
      asked.push(options);
      return navigator.gpu.requestAdapter(options);
    },
  };
  {
    await using backend = await createBackend("webgpu", { gpu });
    const { name } = await chooseBackend({ gpu });
    assertEquals(name, (await chooseBackend()).name);
    assertEquals(asked, Array(2).fill({ powerPreference: "high-performance" }));
    // What it gave is computed on.
    const op = randomLinear([3, 4, 5]);
    await assertOpMatchesReference(backend, op, linearTolerances(op));
  }
  const none = { requestAdapter: () => Promise.resolve(null) };
  await assertRejects(() => createBackend("webgpu", { gpu: none }), UserError, "no adapter was found");
  assertEquals((await chooseBackend({ gpu: none })).name, ON_CPU);
});

/** An adapter as Deno describes it, as far as a choice goes by it. */
function adapterWith(
  info: Partial<GPUAdapterInfo>,
  features: readonly string[] = [],
): { requestAdapter(): Promise<GPUAdapter> } {
  const described = { vendor: "", architecture: "", device: "", description: "", isFallbackAdapter: false, ...info };
  const adapter = { info: described, features: new Set(features), limits: {} } as unknown as GPUAdapter;
  return { requestAdapter: () => Promise.resolve(adapter) };
}

Deno.test("a software adapter through OpenGL counts as none, and the reason is given", async () => {
  const llvmpipe = { description: "llvmpipe (LLVM 15.0.6, 256 bits)", isFallbackAdapter: true };
  // As Deno describes it where Vulkan is not installed.
  const gl = adapterWith({ ...llvmpipe, subgroupMinSize: 4, subgroupMaxSize: 128 }, ["timestamp-query"]);
  const { name, reason } = await chooseBackend({ gpu: gl });
  assertEquals(name, ON_CPU);
  assertStringIncludes(reason, "no WebGPU adapter is usable: llvmpipe (LLVM 15.0.6, 256 bits) goes through OpenGL");
  const { message } = await assertRejects(() => createBackend("webgpu", { gpu: gl }), UserError, "goes through OpenGL");
  assertStringIncludes(message, 'backend: "wasm"');

  // Through Vulkan it is a software adapter like others, and a GPU may go through what it likes.
  const vulkan = adapterWith({ ...llvmpipe, subgroupMinSize: 8, subgroupMaxSize: 8 }, ["shader-f16"]);
  assertStringIncludes((await chooseBackend({ gpu: vulkan })).reason, `computes on the CPU, where ${ON_CPU} is faster`);
  const hardware = adapterWith({ description: "V3D 4.2", subgroupMinSize: 4, subgroupMaxSize: 128 });
  assertEquals((await chooseBackend({ gpu: hardware })).name, "webgpu");
});

/** Runs code in a Deno set to use a graphics system that this operating system does not have. */
async function withoutAdapter(code: string): Promise<string> {
  const absent = Deno.build.os === "windows" ? "metal" : "dx12";
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `import { type BackendChoice, chooseBackend, createBackend } from "./lib/backend/select.ts"; ${code}`,
    ],
    cwd: new URL("../..", import.meta.url),
    env: { DENO_WEBGPU_BACKEND: absent },
  }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

Deno.test("without an adapter, webgpu says what is missing and what to install, and auto takes the CPU", async () => {
  const message = await withoutAdapter(`await createBackend("webgpu").catch((error) => console.log(error.message));`);
  assertStringIncludes(message, "Cannot use WebGPU: no adapter was found");
  assertStringIncludes(message, 'backend: "wasm"');
  if (Deno.build.os === "linux") assertStringIncludes(message, "mesa-vulkan-drivers");
  const { name, reason } = JSON.parse(
    await withoutAdapter("console.log(JSON.stringify(await chooseBackend()));"),
  );
  assertEquals(name, ON_CPU);
  assertMatch(reason, /^no WebGPU adapter was found; (?:machine code may be used, and|no machine code: got) /);
});

/** Runs code in a Deno that may not use FFI. */
async function withoutFfi(code: string): Promise<{ out: string; err: string }> {
  const program = `import { chooseForCpu, createBackend } from "./lib/backend/select.ts"; ${code}`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-read", "-"],
    cwd: new URL("../..", import.meta.url),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { stdout, stderr } = await child.output();
  return { out: new TextDecoder().decode(stdout).trim(), err: new TextDecoder().decode(stderr) };
}

Deno.test("without permission for FFI, auto takes wasm on a CPU, and native says what to permit", async () => {
  const chosen = await withoutFfi("console.log(JSON.stringify(chooseForCpu()));");
  const { name, reason } = JSON.parse(chosen.out);
  const { out } = await withoutFfi('await createBackend("native").catch((e) => console.log(e.name, e.message));');
  assertEquals([chosen.err, name], ["", "wasm"]);
  const isX64 = Deno.build.arch === "x86_64";
  assertStringIncludes(reason, isX64 ? "no machine code: got no permission for FFI, must be" : "got ");
  assertStringIncludes(out, "NativeError Cannot use machine code: got ");
  assertStringIncludes(out, 'backend: "wasm"');
  if (isX64) {
    assertStringIncludes(out, "got no permission for FFI, must be permitted to use it. Run Deno with allow-ffi");
  }
});
