import { assert, assertEquals } from "@std/assert";
import { compileKernels, encodeModule, MODULE_FILE } from "../../tasks/build_kernels.ts";

Deno.test("kernels.wasm.b64 is what kernels/simd compiles to", async () => {
  const committed = await Deno.readTextFile(MODULE_FILE);
  assert(encodeModule(await compileKernels()) === committed, "kernels/simd has changed: run deno task build-kernels");
});

Deno.test("kernels.wasm.b64 keeps clear of the words that main thread and workers share", async () => {
  const module = await WebAssembly.compile(Uint8Array.fromBase64(await Deno.readTextFile(MODULE_FILE)));
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 65536, shared: true });
  new WebAssembly.Instance(module, { env: { memory } });
  const bytes = new Uint8Array(memory.buffer);
  assertEquals(bytes.subarray(0, 1024).findIndex((byte) => byte !== 0), -1);
  assertEquals(bytes.subarray(65536).findIndex((byte) => byte !== 0), -1);
});
