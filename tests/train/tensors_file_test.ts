import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { OptionError, UserError } from "../../lib/errors.ts";
import { Safetensors, type TensorToWrite, writeSafetensors } from "../../lib/formats/safetensors.ts";
import { viewOf } from "../../lib/graph/program.ts";
import { TensorOptimizer } from "../../lib/train/tensor_optimizer.ts";
import { forEachBackend, forEachDevice } from "../harness/backends.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const TENSORS = { w: { shape: [3], values: [1, 2, 3] }, v: { shape: [2, 1], values: [4, 5] } };
const KIND = { adamw: ["first_moment", "second_moment"], sgd: [] };

/** What a file of such tensors holds, with some of it changed. */
function fileOf(changed: Readonly<Record<string, Partial<TensorToWrite> | undefined>> = {}): TensorToWrite[] {
  const own = Object.entries(TENSORS).map(([name, { shape }]) => ({ name, shape }));
  const state = KIND.adamw.flatMap((kind) => own.map((spec) => ({ ...spec, name: `optimizer.${kind}.${spec.name}` })));
  const whole = [...own, ...state].map(({ name, shape }): TensorToWrite => ({
    name,
    shape,
    dtype: "F32",
    data: new Float32Array(shape.reduce((product, n) => product * n, 1)).fill(7),
  }));
  const kept = whole.filter(({ name }) => !(name in changed) || changed[name] !== undefined);
  const added = Object.keys(changed).filter((name) => changed[name] && !whole.some((tensor) => tensor.name === name));
  return [
    ...kept.map((tensor) => ({ ...tensor, ...changed[tensor.name] })),
    ...added.map((name) => ({ ...whole[0], ...changed[name], name })),
  ];
}

const METADATA = { optimizer: "adamw", updates: "12" };

forEachDevice("a file that does not fit is refused by name, and changes nothing", async (backend) => {
  await inTemporaryDirectory(async (directory) => {
    const path = `${directory}/own.safetensors`;
    using optimizer = await TensorOptimizer.create(backend, { tensors: TENSORS });
    optimizer.setGradients({ w: [1, 1, 1] });
    await optimizer.step(0.1);
    const before = [optimizer.updates, await optimizer.read("w"), await optimizer.read("v")];
    const refused = async (says: string) => {
      const { message } = await assertRejects(() => optimizer.load(path), UserError);
      assertStringIncludes(message, says);
      assertEquals([optimizer.updates, await optimizer.read("w"), await optimizer.read("v")], before, says);
    };
    await refused("got no such file");
    const cases: [Parameters<typeof fileOf>[0], string][] = [
      [{ v: undefined }, `Cannot load ${path}: got no such tensor for v, must be F32 of shape (2, 1)`],
      [{ v: { shape: [1, 2] } }, 'got type "F32" and shape (1, 2) for v, must be F32 of shape (2, 1)'],
      [{ v: { dtype: "U32", data: new Uint32Array(2) } }, 'got type "U32" and shape (2, 1) for v'],
      [{ "optimizer.second_moment.w": undefined }, "got no such tensor for optimizer.second_moment.w"],
      [{ u: {} }, 'got tensor "u", must be one of w, v, optimizer.first_moment.w'],
      // The last of all: the others must not have been written by then.
      [{ "optimizer.second_moment.v": { data: Float32Array.of(1, NaN) } }, "got 1 of 2 numbers in optimizer.second_m"],
    ];
    for (const [changed, says] of cases) {
      await writeSafetensors(path, fileOf(changed), METADATA);
      await refused(says);
    }
    for (const updates of ["-1", "1.5", "", "1e3", "9".repeat(20)]) {
      await writeSafetensors(path, fileOf(), { ...METADATA, updates });
      await refused(`got updates ${JSON.stringify(updates)}, must be a whole number`);
    }
    await writeSafetensors(path, fileOf(), { optimizer: "adamw" });
    await refused("got updates undefined, must be a whole number");
    await writeSafetensors(path, fileOf(), { ...METADATA, optimizer: "own" });
    await refused('got optimizer "own", must be adamw');
    await writeSafetensors(path, fileOf(), METADATA);
    await Deno.truncate(path, (await Deno.stat(path)).size - 1);
    await refused("by its own header");

    await writeSafetensors(path, fileOf(), { ...METADATA, iteration: "13" });
    assertEquals(await optimizer.load(path), { iteration: "13" });
    assertEquals([optimizer.updates, await optimizer.read("v")], [12, Float32Array.of(7, 7)]);
  });
});

forEachBackend(
  "a file holds the values under their names, and the optimizer's state under its own",
  async (backend) => {
    await inTemporaryDirectory(async (directory) => {
      const path = `${directory}/own.safetensors`;
      for (const optimizer of ["adamw", "sgd"] as const) {
        using own = await TensorOptimizer.create(backend, { tensors: TENSORS, optimizer: { optimizer } });
        await own.save(path, { note: "the first" });
        using file = await Safetensors.open(path);
        const state = KIND[optimizer].flatMap((kind) => ["w", "v"].map((name) => `optimizer.${kind}.${name}`));
        assertEquals([...file.tensors.keys()], ["w", "v", ...state]);
        assertEquals(file.tensors.get("v")!.shape, [2, 1]);
        assertEquals([...file.readFloats("w")], TENSORS.w.values);
        assertEquals({ ...file.metadata }, { note: "the first", optimizer, updates: "0" });
      }
    });
  },
);

forEachDevice("what is no number any more is not saved, and the file that is there stays", async (backend) => {
  await inTemporaryDirectory(async (directory) => {
    const path = `${directory}/own.safetensors`;
    using optimizer = await TensorOptimizer.create(backend, { tensors: TENSORS, optimizer: { optimizer: "sgd" } });
    await optimizer.save(path);
    const before = await Deno.readFile(path);
    const tensor = optimizer.tensor("v");
    backend.write(viewOf(tensor, tensor.placement!), Float32Array.of(0, NaN));
    const { message } = await assertRejects(() => optimizer.save(path), UserError);
    assertStringIncludes(message, `Cannot save ${path}: got 1 of 2 numbers in v that are NaN or infinite`);
    assertEquals(await Deno.readFile(path), before);
    assertEquals((await Array.fromAsync(Deno.readDir(directory))).length, 1);
    // Back to where it was.
    await optimizer.load(path);
    assertEquals([...await optimizer.read("v")], TENSORS.v.values);
    for (const key of ["updates", "optimizer"]) {
      await assertRejects(() => optimizer.save(path, { [key]: "1" }), OptionError, `got metadata "${key}"`);
    }
  });
});
