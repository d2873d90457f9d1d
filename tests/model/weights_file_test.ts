import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { Safetensors, writeSafetensors } from "../../lib/formats/safetensors.ts";
import { weightsFrom } from "../../lib/model/weights_file.ts";

Deno.test("weights that are NaN or infinite are refused when they are read, by name", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/model.safetensors`;
    const tensors: Record<string, Float32Array<ArrayBuffer>> = {
      right: Float32Array.of(0, -0, 3.4028234663852886e38, 1e-45),
      nan: Float32Array.of(1, NaN, 2, NaN),
      infinite: Float32Array.of(1, 2, 3, -Infinity),
    };
    const entries = Object.entries(tensors);
    await writeSafetensors(
      path,
      entries.map(([name, data]) => ({ name, dtype: "F32" as const, shape: [4], data: () => Promise.resolve(data) })),
      {},
    );
    using file = await Safetensors.open(path);
    const source = weightsFrom(file, path);
    assertEquals(await source("right", [4]), tensors.right);
    const refused = async (name: string, message: string) => {
      await assertRejects(async () => await source(name, [4]), UserError, message);
    };
    await refused("nan", `Cannot load nan from ${path}: got 2 of 4 weights that are NaN or infinite`);
    await refused("infinite", `Cannot load infinite from ${path}: got 1 of 4 weights that are NaN or infinite`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
