import { assert, assertEquals } from "@std/assert";
import { compileKernels, encodeModule, KERNEL_MODULES } from "../../tasks/build_kernels.ts";

for (const module of KERNEL_MODULES) {
  const name = module.file.pathname.split("/").at(-1);
  Deno.test(`${name} is what its sources compile to`, async () => {
    const committed = await Deno.readTextFile(module.file);
    assert(
      encodeModule(await compileKernels(module)) === committed,
      "kernels/simd has changed: run deno task build-kernels",
    );
  });
}

Deno.test("kernels.wasm.b64 keeps clear of the words that main thread and workers share", async () => {
  const module = await WebAssembly.compile(Uint8Array.fromBase64(await Deno.readTextFile(KERNEL_MODULES[0].file)));
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 65536, shared: true });
  new WebAssembly.Instance(module, { env: { memory } });
  const bytes = new Uint8Array(memory.buffer);
  assertEquals(bytes.subarray(0, 1024).findIndex((byte) => byte !== 0), -1);
  assertEquals(bytes.subarray(65536).findIndex((byte) => byte !== 0), -1);
});
