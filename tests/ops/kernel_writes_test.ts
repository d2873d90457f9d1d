// What kernels declare of how they write is what they do: accounting, the scheduler and the reference rely on it.
import { assertEquals, assertRejects } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import type { KernelWrite } from "../../lib/graph/kernel.ts";
import { KERNELS } from "../../lib/train/kernels.ts";
import { forEachBackend } from "../harness/backends.ts";
import { assertWritesAsDeclared, flagsOf } from "../harness/kernel_writes.ts";

const SAMPLES = KERNELS.flatMap((kernel) =>
  (kernel.tries ?? []).filter(({ large }) => !large).map((sample) => ({ kernel, sample }))
);

forEachBackend("every kernel writes its outputs as it declares", async (backend) => {
  for (const { kernel, sample } of SAMPLES) await assertWritesAsDeclared(backend, kernel, sample);
});

Deno.test("no kernel could declare anything else of an output", async () => {
  await using backend = await createWasmBackend();
  for (const kernel of KERNELS) {
    const [sample] = kernel.tries ?? [];
    if (sample === undefined) continue;
    for (const output of kernel.outputs) {
      const declared = kernel.writes?.[output] ?? "overwritten";
      const all: KernelWrite[] = ["overwritten", "updated", "partly overwritten"];
      const others = [...all, ...flagsOf(kernel).map((addedIf) => ({ addedIf }))].filter((write) =>
        JSON.stringify(write) !== JSON.stringify(declared)
      );
      for (const other of others) {
        const label = `${kernel.name} could declare ${output} ${JSON.stringify(other)}`;
        const writes = { ...kernel.writes, [output]: other };
        await assertRejects(() => assertWritesAsDeclared(backend, kernel, sample, writes), Error, kernel.name, label);
      }
    }
  }
});

Deno.test("every kernel declares its arrays' sizes, its FLOPs and calls to try it with, or is known not to", () => {
  assertEquals(KERNELS.filter(({ sizes, flops }) => !sizes || !flops).map(({ name }) => name), []);
  const untried = KERNELS.filter(({ tries = [] }) => tries.length === 0).map(({ name }) => name);
  // There is no wasm kernel to compare with: a GPU's token is held against the host's choice, and the loss scale's few
  // operations are tried by its own tests. Products in bf16 are tried in tests/kernels/native.
  assertEquals(untried.toSorted(), [
    "advance_schedule",
    ...KERNELS.filter(({ rounds }) => rounds !== undefined).map(({ name }) => name).toSorted(),
    "loss_scale_apply",
    "loss_scale_update",
    "sample_token",
  ]);
});
