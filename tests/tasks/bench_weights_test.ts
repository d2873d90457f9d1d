import { assert, assertEquals } from "@std/assert";
import { benchWeights } from "../../tasks/bench/bench_weights.ts";

Deno.test("a bench's weights look like a new model's: no two rows agree, and norms are ones", async () => {
  const weights = benchWeights(1);
  const [rows, columns] = [300, 512];
  const values = await weights("layers.0.attn.output_proj.weight", [rows, columns]);
  assertEquals(values.length, rows * columns);
  const firsts = new Set(
    Array.from({ length: rows }, (_, row) => values.slice(row * columns, row * columns + 4).join()),
  );
  assertEquals(firsts.size, rows);
  const std = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  assert(Math.abs(std / Math.sqrt(2 / (rows + columns)) - 1) < 0.05, `${std}`);
  assertEquals(await weights("ln_final.weight", [3]), new Float32Array([1, 1, 1]));
});
