import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { UserError } from "../../lib/errors.ts";
import type { Program } from "../../lib/graph/program.ts";
import type { DeviceStorage } from "../../lib/graph/tensor.ts";
import { type ConfigParts, mergeConfigs } from "../../lib/run/merge_config.ts";
import { requireRoom } from "../../lib/run/require_room.ts";
import { main as sweep } from "../../tasks/sweep.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { capture } from "../cli/capture.ts";

const model = { vocabSize: 300, contextLength: 16, dModel: 24, numLayers: 2, numHeads: 2, dFf: 40 };

/** A backend that counts what is allocated, and has room for so many storages. */
function counted(backend: Backend, most = Infinity): { backend: Backend; allocated: Set<DeviceStorage> } {
  const allocated = new Set<DeviceStorage>();
  const own = {
    load: async (program: Program) => {
      const executable = await backend.load(program);
      for (const storage of program.storages) allocated.add(storage);
      if (allocated.size > most) throw new RangeError("Cannot allocate: got too many storages, must be fewer");
      return executable;
    },
    release: (storage: DeviceStorage) => {
      backend.release(storage);
      allocated.delete(storage);
    },
  };
  const counting = new Proxy(backend, {
    get(target, key) {
      if (key === "load" || key === "release") return own[key];
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { backend: counting, allocated };
}

Deno.test("trying whether a run has room leaves nothing allocated, whether it has or not", async () => {
  await using wasm = await createWasmBackend({ workers: 1 });
  for (const gradAccumulation of [1, 3]) {
    const config = mergeConfigs([{ model, training: { batchSize: 2, gradAccumulation } }]);
    const { backend, allocated } = counted(wasm);
    await requireRoom(backend, config, { validates: true });
    assertEquals(allocated.size, 0);
    const cramped = counted(wasm, 3);
    await assertRejects(
      () => requireRoom(cramped.backend, config, { validates: true }),
      RangeError,
      "too many storages",
    );
    assertEquals(cramped.allocated.size, 0);
  }
});

Deno.test("what takes too much memory is refused by what makes it so, before anything is traced", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  const refused = async (parts: ConfigParts, message: RegExp, hostBytes?: number) => {
    const config = mergeConfigs([{ model }, parts]);
    const { message: got } = await assertRejects(() => requireRoom(backend, config, { hostBytes }), UserError);
    assert(message.test(got) && !got.includes("\n"), got);
  };
  await refused({ training: { batchSize: 2 ** 31 } }, /it needs .+TiB .+must be at most .+GiB.+Lower batchSize/);
  await refused({ model: { dModel: 4096, numHeads: 32, dFf: 11008, numLayers: 8 } }, /Lower dModel, dFf, numLayers/);
  await refused(
    { training: { batchSize: 64 } },
    /must be at most the 1\.00 MiB of this machine.+Lower batchSize/,
    2 ** 20,
  );
  await refused({ training: { gradAccumulation: 2 ** 31 } }, /Lower gradAccumulation/);
});

Deno.test("train-lm and sweep refuse a model that is too large before they write anything", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await writeNpy(`${dir}/ids.npy`, Uint16Array.from({ length: 60 }, (_, i) => i % 11));
    const data = ["--train", `${dir}/ids.npy`, "--out", `${dir}/run`, "--backend", "wasm", "--context-length", "16"];
    const tooLarge: readonly [string, string][] = [
      ["--vocab-size 300 --batch-size 100000000", "Lower --batch-size"],
      [
        "--vocab-size 300 --d-model 4096 --num-heads 32 --d-ff 11008 --num-layers 8",
        "Lower --d-model, --d-ff, --num-layers",
      ],
      ["--vocab-size 300 --num-layers 2147483648", "got --num-layers 2147483648"],
      ["--vocab-size 2147483648", "got --vocab-size 2147483648"],
    ];
    for (const [flags, says] of tooLarge) {
      for (const [task, more] of [[trainLm, []], [sweep, ["--lr", "1e-3,1e-2"]]] as const) {
        const { code, stderr, stdout } = await capture(task, ...data, ...flags.split(" "), ...more);
        // What no machine could hold is a mistake in the command line.
        assertEquals([code, stdout], [says.startsWith("got --") ? 2 : 1, ""], stderr);
        assertStringIncludes(stderr, says);
        assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
        assertEquals((await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name), ["ids.npy"]);
      }
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a backend has as many workers as its memory holds, and no more are asked for by themselves", async () => {
  for (const workers of [0, 257, 2 ** 31, 1.5, NaN]) {
    await assertRejects(() => createWasmBackend({ workers }), RangeError, `got ${workers} workers, must be`);
  }
});
