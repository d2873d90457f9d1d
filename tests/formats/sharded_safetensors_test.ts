import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { writeSafetensors } from "../../lib/formats/safetensors.ts";
import { openSafetensors, ShardedSafetensors } from "../../lib/formats/sharded_safetensors.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

/** Writes two files of tensors and an index. */
async function writeShards(dir: string, weightMap?: unknown): Promise<string> {
  const tensor = (name: string, start: number) => ({
    name,
    dtype: "F32" as const,
    shape: [2, 2],
    data: Float32Array.of(start, start + 1, start + 2, start + 3),
  });
  await writeSafetensors(`${dir}/model-00001-of-00002.safetensors`, [tensor("a", 0), tensor("b", 10)]);
  await writeSafetensors(`${dir}/model-00002-of-00002.safetensors`, [tensor("c", 20)]);
  const index = `${dir}/model.safetensors.index.json`;
  const map = weightMap ?? { a: 1, b: 1, c: 2 };
  const named = typeof map !== "object" ? map : Object.fromEntries(
    Object.entries(map as object).map(([name, shard]) => [
      name,
      typeof shard === "number" ? `model-0000${shard}-of-00002.safetensors` : shard,
    ]),
  );
  await Deno.writeTextFile(index, JSON.stringify({ metadata: { total_size: 48 }, weight_map: named }));
  return index;
}

Deno.test("ShardedSafetensors reads each tensor from its file, and so does openSafetensors()", () =>
  inTemporaryDirectory(async (dir) => {
    const index = await writeShards(dir);
    using sharded = await openSafetensors(index);
    assertEquals([...sharded.tensors.keys()], ["a", "b", "c"]);
    assertEquals(sharded.tensors.get("c")?.shape, [2, 2]);
    for (const name of ["a", "c", "b", "b", "c", "a"]) {
      const start = { a: 0, b: 10, c: 20 }[name]!;
      assertEquals([...sharded.readFloats(name)], [start, start + 1, start + 2, start + 3]);
    }
    assertThrows(() => sharded.readFloats("d"), UserError, `Cannot read ${index}: got no tensor "d"`);
    using single = await openSafetensors(`${dir}/model-00002-of-00002.safetensors`);
    assertEquals([...single.readFloats("c")], [20, 21, 22, 23]);
  }));

Deno.test("ShardedSafetensors names what does not fit: a file, a tensor, the index", () =>
  inTemporaryDirectory(async (dir) => {
    const cases: [unknown, string][] = [
      [{ a: 1, b: 1, c: 3 }, "no file model-00003-of-00002.safetensors beside it"],
      [{ a: 1, c: 2 }, 'tensor "b" in model-00001-of-00002.safetensors that it does not list there'],
      [{ a: 1, b: 1, c: 2, d: 2 }, 'tensor "d" listed in model-00002-of-00002.safetensors, which has none'],
      [{ a: 1, b: 2, c: 2 }, 'tensor "b" in model-00001'],
      [{ a: "../model.safetensors" }, "the name of a .safetensors file beside the index"],
      [{ a: "/etc/passwd" }, "the name of a .safetensors file beside the index"],
      [{ a: true }, "weight_map.a"],
      ["none", "weight_map"],
    ];
    for (const [map, message] of cases) {
      const index = await writeShards(dir, map);
      await assertRejects(() => ShardedSafetensors.open(index), UserError, message);
    }
    const index = `${dir}/model.safetensors.index.json`;
    for (const text of ["", "[]", "{}", '{"weight_map": {"a": "model']) {
      await Deno.writeTextFile(index, text);
      await assertRejects(() => ShardedSafetensors.open(index), UserError, index);
    }
    await assertRejects(() => ShardedSafetensors.open(`${dir}/none.json`), UserError, "none.json: got no such file");
  }));

Deno.test("ShardedSafetensors says so if a file is changed, cut off or removed after it was opened", () =>
  inTemporaryDirectory(async (dir) => {
    const index = await writeShards(dir);
    using sharded = await ShardedSafetensors.open(index);
    const second = `${dir}/model-00002-of-00002.safetensors`;
    const whole = await Deno.readFile(second);
    await writeSafetensors(second, [{ name: "c", dtype: "F32", shape: [1], data: Float32Array.of(1) }]);
    assertThrows(() => sharded.readFloats("c"), UserError, "another file than when it was opened");
    assertEquals(sharded.readFloats("a")[0], 0);
    await Deno.writeFile(second, whole.subarray(0, whole.length - 1));
    assertThrows(() => sharded.readFloats("c"), UserError, "not a truncated file");
    await Deno.remove(second);
    assertThrows(() => sharded.readFloats("c"), UserError, "got no such file");
    assertEquals(sharded.readFloats("a")[0], 0);
  }));
